"""A scenario file that was imported, asked again what was asked then."""

from __future__ import annotations

import base64
from typing import Any

from mockllm.core.json import dumps
from mockllm.recordings.bare import exchange
from mockllm.recordings.material import Material
from tests.language.playing import Ask, Game


def replayed(text: str, recorded: dict[str, Any]) -> str:
    """`same` where the recorded answer comes back byte for byte, else what differs."""
    asked = exchange(Material("x", dumps(recorded))).asked
    heard = Game(text).hear(
        Ask(asked.path, asked.body, asked.method, asked.query_string, dict(asked.headers))
    )
    response = recorded["response"]
    if heard.id is None:
        return f"no rule: {heard.bytes[:300]!r}"
    if heard.status != response["status"]:
        return f"status {heard.status}"
    body = response["body"]
    if response.get("body_encoding") == "base64":
        expected = base64.b64decode(body)
    else:
        expected = body.encode() if isinstance(body, str) else b"" if body is None else dumps(body)
    return "same" if heard.bytes == expected else f"bytes: {heard.bytes[:200]!r} for {expected[:200]!r}"
