"""`pytest --transcripts DIR` compares this server with recordings outside of the project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from mockllm.core.json.codec import Json

ROOT = Path(__file__).parents[2]
RESPONSE: Json = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_780_000_000,
    "model": "gpt-4.1-2025-04-14",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hi", "refusal": None, "annotations": []},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    "service_tier": "default",
    "system_fingerprint": "fp_1",
}


def recording(id: str, body: Json) -> Json:
    return {
        "id": id,
        "request": {"headers": {}, "query": {}, "path": "/v1/chat/completions", "body": {"model": "gpt-4.1"}},
        "response": {"status": 200, "headers": {}, "body": body},
        "features": [],
    }


def compare_folder(folder: Path, **bodies: Json) -> str:
    """Return the printed comparison of the chat recordings in a folder."""
    (folder / "openai-chat").mkdir()
    for id, body in bodies.items():
        (folder / "openai-chat" / f"{id}.json").write_text(json.dumps(recording(id, body)))
    run = [sys.executable, "-m", "pytest", "-s", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    chosen = ["tests/conformance/test_conformance.py", "-k", "recordings and openai-chat"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    done = subprocess.run(
        [*run, "--transcripts", str(folder), *chosen],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_other_recordings_are_compared_and_reported(tmp_path: Path) -> None:
    printed = compare_folder(tmp_path, one=RESPONSE)
    assert "openai-chat: n 1, F1 0.8" in printed
    assert "extra body $.usage.prompt_tokens_details.cached_tokens number" in printed
    assert "nobody has reviewed the differences of these 1 recordings" in printed


def test_unreadable_recording_is_reported_and_others_compared(tmp_path: Path) -> None:
    printed = compare_folder(tmp_path, one=RESPONSE, odd={"choices": 3})
    assert "openai-chat: n 2, F1 0.4" in printed
    assert "not decoded in odd: TypeError" in printed
