"""The files of a recorder: full ones are continued, each can be loaded, and the memory for them is bounded."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.recordings import atomic_files, recording_files
from mockllm.recordings.interaction import Interaction, RecordedRequest, RecordedResponse
from mockllm.recordings.recording_files import RecordingFiles
from mockllm.recordings.scenario_writer import RequestParser
from tests.cli.in_process import command
from tests.language.virtual_server import VirtualServer, raw_request

CHAT = "/v1/chat/completions"
BODY: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say it."}]}
READER = RequestParser()


class Recorder:
    """Writes responses to requests into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.files = folder, RecordingFiles()

    def add(self, text: str, name: str = "a", session: str | None = None, **fields: Any) -> str:
        request = RecordedRequest("POST", CHAT, "", (), json.dumps({**BODY, "user": "x", **fields}).encode())
        response = RecordedResponse(200, (), (RecordedFrame(0.0, text.encode()),))
        path = self.folder / (session or "shared") / f"{name}.yaml"
        interaction = Interaction(request, response, CHAT, session)
        return self.files.add(path, interaction, "Recorded", READER)[0].name

    @property
    def names(self) -> list[str]:
        return sorted(file.name for file in self.folder.rglob("*"))

    def replayed(self, times: int, session: str | None = None, **fields: Any) -> list[str]:
        texts = {str(file.relative_to(self.folder)): file.read_text() for file in self.folder.rglob("*.yaml")}
        server = VirtualServer(texts)
        headers = {} if session is None else {"x-mockllm-session": session}
        request = raw_request(CHAT, {**BODY, **fields}, headers=headers)
        return [server.respond(request).bytes.decode() for _ in range(times)]


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.setattr(recording_files, "FULL_SEQUENCE", 3)
    return Recorder(tmp_path)


def test_full_file_is_continued_and_replayed_in_order(recorder: Recorder) -> None:
    written = [recorder.add(str(number)) for number in range(8)]
    assert written == ["a.yaml"] * 3 + ["a_0002.yaml"] * 3 + ["a_0003.yaml"] * 2
    assert recorder.replayed(10) == [*"01234567", "7", "7"]


@pytest.mark.parametrize(("full", "count"), [(1200, 1), (2000, 1), (3200, 2)])
def test_long_responses_fill_a_file(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, full: int, count: int
) -> None:
    monkeypatch.setattr(recording_files, "FULL_FILE", full)
    sent = [f"{number} " * 500 for number in range(5)]
    written = [recorder.add(text) for text in sent]
    assert written == [f"a_{1 + turn // count:04}.yaml".replace("_0001", "") for turn in range(5)]
    assert recorder.replayed(6) == [*sent, sent[-1]]


def test_sessions_are_continued_on_their_own(recorder: Recorder) -> None:
    for number in range(4):
        recorder.add(f"shared {number}")
        recorder.add(f"own {number}", session="s")
    for session, name in ((None, "shared"), ("other", "shared"), ("s", "own")):
        assert recorder.replayed(5, session) == [f"{name} {number}" for number in (0, 1, 2, 3, 3)]


@pytest.mark.parametrize("line", [("check", "--strict"), ("test",)])
def test_commands_accept_continued_files(recorder: Recorder, line: tuple[str, ...]) -> None:
    for number in range(5):
        recorder.add(str(number))
    ended = command(*line, str(recorder.folder), cwd=recorder.folder)
    assert ended.returncode == 0, ended


def test_released_files_are_continued(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the rules of the files that were written last are in memory."""
    monkeypatch.setattr(recording_files, "MAX_HELD", 3000)
    for turn in range(2):
        for name in "abcdef":
            recorder.add(f"{name}{turn}", name, model=name)
            assert recorder.files._held_size <= 3000
            assert recorder.files._held_size == sum(
                file.size for file in recorder.files._last.values() if file.rule
            )
    assert "a_0002.yaml" in recorder.names
    assert recorder.replayed(3, model="a") == ["a0", "a1", "a1"]
    assert recorder.replayed(3, model="f") == ["f0", "f1", "f1"]


def test_request_that_exceeds_the_memory_is_not_held(recorder: Recorder) -> None:
    recorder.add("one", content="x" * (9 << 20))
    assert (recorder.files._held_size, list(recorder.files._held)) == (0, [])


def test_next_recorder_replaces_all_files(recorder: Recorder) -> None:
    for number in range(8):
        recorder.add(str(number))
    later = Recorder(recorder.folder)
    later.add("again")
    assert later.names == ["a.yaml", "shared"]
    assert later.replayed(2) == ["again", "again"]


def test_response_too_long_for_a_file_is_refused(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_files, "MAX_FILE_SIZE", 2000)
    monkeypatch.setattr(recording_files, "FULL_FILE", 1500)
    for text, fits in (("x" * 2000, False), ("one", True), ("\x01" * 500, False), ("two", True)):
        if fits:
            recorder.add(text)
            continue
        with pytest.raises(OSError, match="its file would exceed") as refused:
            recorder.add(text)
        assert refused.value.errno == errno.EFBIG
    assert recorder.names == ["a.yaml", "shared"]
    assert recorder.replayed(3) == ["one", "two", "two"]


@pytest.mark.parametrize("at", range(5))
def test_failed_write_loses_its_response_only(
    recorder: Recorder, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = atomic_files.write_file
    for number in range(5):
        if number == at:
            monkeypatch.setattr(recording_files, "write_file", _fail)
            with pytest.raises(OSError, match="No space"):
                recorder.add(str(number))
            monkeypatch.setattr(recording_files, "write_file", write)
        else:
            recorder.add(str(number))
    kept = [str(number) for number in range(5) if number != at]
    assert recorder.replayed(5) == [*kept, kept[-1]]


def test_failed_limit_is_written_with_the_next_response(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule of the full file would else hide the rules behind it."""
    limit = recording_files.__dict__["_limit"]
    for number in range(3):
        recorder.add(str(number))
    monkeypatch.setattr(recording_files, "_limit", _fail)
    with pytest.raises(OSError, match="No space"):
        recorder.add("lost")
    monkeypatch.setattr(recording_files, "_limit", limit)
    recorder.add("3")
    assert recorder.replayed(5) == [*"0123", "3"]


def _fail(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_removed_file_needs_no_limit(recorder: Recorder) -> None:
    for number in range(3):
        recorder.add(str(number))
    (recorder.folder / "shared" / "a.yaml").unlink()
    recorder.add("3")
    assert recorder.replayed(2) == ["3", "3"]


@pytest.mark.parametrize(
    "written", ["rules: []\n", "rules:\n  - name: a\n    match: {model: x}\n    times: 1\n    reply: a\n"]
)
def test_file_that_a_user_wrote_stays(recorder: Recorder, written: str) -> None:
    for number in range(3):
        recorder.add(str(number))
    file = recorder.folder / "shared" / "a.yaml"
    file.write_text(written)
    recorder.add("3")
    assert file.read_text() == written
    assert recorder.replayed(2) == ["3", "3"]


def test_example_repeats_as_many_values_as_a_file_may(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for number in range(40):
        recorder.add(str(number), x=[1] * 3000)
    assert (tmp_path / "shared" / "a.yaml").read_text().count("*again") == 33
    assert recorder.replayed(41, x=[1] * 3000) == [*map(str, range(40)), "39"]


def test_request_that_yaml_cannot_have_is_no_example(tmp_path: Path) -> None:
    recorder, deep = Recorder(tmp_path), json.loads("[" * 97 + "]" * 97)
    recorder.add("one", x=deep)
    assert "examples:" not in (tmp_path / "shared" / "a.yaml").read_text()
    assert recorder.replayed(1, x=deep) == ["one"]


@pytest.mark.parametrize("length", [990, 1000, 1024, 2000])
def test_request_with_long_key_is_an_example(length: int, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    fields: dict[str, Any] = {"k" * length: [{'"' * length: 1, "text: {": ":"}]}
    recorder.add("one", **fields)
    assert "examples:" in (tmp_path / "shared" / "a.yaml").read_text()
    assert recorder.replayed(1, **fields) == ["one"]
