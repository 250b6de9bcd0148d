"""The rows of docs/switching.md about what was recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mockllm.core.json.codec import dumps
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.request.request_keys import older_hash, request_hash
from mockllm.recordings.import_file import ImportFile
from mockllm.recordings.importer import import_recordings
from mockllm.recordings.scenario_writer import RequestParser
from tests.core.request.test_request_hash import POEM
from tests.docs.pack_request import PackRequest


def by_hash(tmp_path: Path) -> None:
    hash = request_hash(PackRequest("default").request)
    rule = {"name": "again", "match": {"hash": hash}, "reply": "as recorded"}
    (tmp_path / "recorded.yaml").write_bytes(dumps({"rules": [rule]}))
    assert PackRequest("default", scenarios=tmp_path).text == "as recorded"
    assert PackRequest("default", scenarios=tmp_path, temperature=1).text != "as recorded"


def by_older_hash(tmp_path: Path) -> None:
    older = older_hash(PackRequest("default").request)
    assert older is not None
    rule = {"name": "again", "match": {"hash": older}, "reply": "as recorded"}
    (tmp_path / "recorded.yaml").write_bytes(dumps({"rules": [rule]}))
    assert PackRequest("default", scenarios=tmp_path).text == "as recorded"


RECORDED_BODY: dict[str, Any] = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "recorded"}}]
}


def cassette(tmp_path: Path) -> None:
    request: dict[str, Any] = {
        "method": "POST",
        "uri": "https://api.openai.com/v1/chat/completions",
        "headers": {},
    }
    request["body"] = PackRequest("default").request.raw_text
    response: dict[str, Any] = {
        "status": {"code": 200},
        "headers": {},
        "body": {"string": dumps(RECORDED_BODY).decode()},
    }
    file = ImportFile("cassette.yaml", dumps({"interactions": [{"request": request, "response": response}]}))
    (tmp_path / "recorded.yaml").write_text(import_recordings(file, RequestParser()).text, encoding="utf-8")
    assert b'"recorded"' in sent_bytes(PackRequest("default", scenarios=tmp_path).plan)


def recorded(tmp_path: Path, **how: str) -> PackRequest:
    frames = [{"at": "100ms", "data": dumps(RECORDED_BODY).decode()}]
    replay = {"headers": {"content-type": "application/json"}, "frames": frames, **how}
    (tmp_path / "recorded.yaml").write_bytes(dumps({"rules": [{"replay": replay}]}))
    return PackRequest("default", scenarios=tmp_path)


def at_its_times(tmp_path: Path) -> None:
    assert recorded(tmp_path).plan.delay == 0.1
    assert recorded(tmp_path, timing="2x").plan.delay == 0.05


def reported_again(tmp_path: Path) -> None:
    assert recorded(tmp_path, **{"as": "reply"}).text == "recorded"


def poems(tmp_path: Path) -> None:
    poem = "A function stood before a glass"
    assert poem in sent_bytes(PackRequest("recordings", raw=dumps(POEM)).plan).decode()
    assert PackRequest("recordings").status == 404


RECORDED: dict[str, Callable[[Path], None]] = {
    "the same request, the same response": by_hash,
    "a hash of the older recipe": by_older_hash,
    "a VCR cassette": cassette,
    "a recorded stream": at_its_times,
    "a recorded response, for another provider": reported_again,
    "recorded poems over HTTPS": poems,
}
"""Each with a separate folder."""
