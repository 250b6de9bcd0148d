"""Files, images, speech and transcription through the recorder: multipart requests and binary responses."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.server import provider_proxy
from tests.live import live
from tests.server.recording import KEY, files, post, recording
from tests.waiting import until

BOUNDARY: Final = "b0undary"
WAV: Final = bytes(range(256)) * 40
JSON: Final = "Content-Type: application/json"


def form(boundary: str = BOUNDARY, **fields: str) -> tuple[bytes, str]:
    """A multipart body with a binary file, and its content type."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
    parts += [head.encode(), b"Content-Type: audio/wav\r\n\r\n", WAV, f"\r\n--{boundary}--\r\n".encode()]
    return b"".join(parts), f"Content-Type: multipart/form-data; boundary={boundary}"


CALLS: Final = {
    "image": ("/v1/images/generations", (b'{"model":"gpt-image-1","prompt":"A cat","size":"1024x1024"}', JSON)),
    "speech": ("/v1/audio/speech", (b'{"model":"tts-1","voice":"alloy","input":"Hi","response_format":"wav"}', JSON)),
    "transcription": ("/v1/audio/transcriptions", form(model="whisper-1", response_format="srt")),
    "file": ("/v1/files", form(purpose="user_data")),
}  # fmt: skip


@pytest.mark.parametrize("name", ["transcription", "file"])
def test_form_with_another_boundary_is_found(name: str, tmp_path: Path) -> None:
    path, (body, kind) = CALLS[name]
    (tmp_path / "a.yaml").write_text("rules: [{reply: Hello.}]")
    out = tmp_path / "out"
    with live(tmp_path / "a.yaml") as provider, recording(out, openai=provider.url) as (url, _, _):
        reported = post(url, path, body, kind)
        (file,) = files(out)
    body, kind = body.replace(BOUNDARY.encode(), b"0ther"), kind.replace(BOUNDARY, "0ther")
    with live(file) as replaying:
        again = post(replaying.url, path, body, kind)
    assert again.body == reported.body
    assert "x-mockllm-hash" in again.headers


@pytest.mark.parametrize("name", CALLS)
def test_media_call_is_replayed_byte_for_byte(name: str, tmp_path: Path) -> None:
    path, (body, kind) = CALLS[name]
    (tmp_path / "a.yaml").write_text("rules: [{reply: Hello.}]")
    out = tmp_path / "out"
    with live(tmp_path / "a.yaml") as provider, recording(out, openai=provider.url) as (url, _, stated):
        reported = post(url, path, body, kind)
        (file,) = files(out)
    assert (reported.status, len(reported.body) > 10) == (200, True), stated
    assert KEY not in file.read_text(encoding="utf-8")
    with live(file) as replaying:
        again = post(replaying.url, path, body, kind)
    assert (again.status, again.body) == (200, reported.body)
    assert "x-mockllm-hash" in again.headers
    assert again.headers["content-type"] == reported.headers["content-type"]


def test_response_that_is_too_large_passes_and_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_proxy, "MAX_RECORDED", 1000)
    (tmp_path / "a.yaml").write_text("rules: [{reply: Hello.}]")
    path, (body, kind) = CALLS["speech"]
    with live(tmp_path / "a.yaml") as provider:
        with recording(tmp_path / "out", openai=provider.url) as (url, recorder, stated):
            assert len(post(url, path, body, kind).body) > 1000
            until(lambda: any("and is not recorded" in line for line in stated))
        assert (recorder.failed, recorder.written) == (1, 0)


def test_frames_without_much_data_are_bounded() -> None:
    frames = provider_proxy.ForwardedFrames()
    for _ in range(provider_proxy.MAX_RECORDED // 100):
        frames.add(RecordedFrame(0.0, b"x"))
    assert (frames.size > provider_proxy.MAX_RECORDED, frames.frames) == (True, [])
