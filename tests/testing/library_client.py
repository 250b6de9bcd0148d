"""What tests of `MockLLM` ask its servers with: no SDK, so that nothing is tried again or hidden."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from tests.waiting import PATIENCE


def ask(
    url: str, model: str = "gpt-4o", reported: str = "hi", *, key: str | None = None, **more: Any
) -> tuple[int, Any]:
    """Status and JSON of a chat completion at an OpenAI base URL."""
    body = {"model": model, "messages": [{"role": "user", "content": reported}], **more}
    headers = {"content-type": "application/json"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    request = urllib.request.Request(f"{url}/chat/completions", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def text(url: str, model: str = "gpt-4o", reported: str = "hi") -> str:
    status, answer = ask(url, model, reported)
    assert status == 200, answer
    content: str = answer["choices"][0]["message"]["content"]
    return content
