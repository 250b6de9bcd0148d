"""A recorder with long requests: a thread searches their secrets."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from mockllm.core.redaction import Redactor
from mockllm.recordings.redaction import redactor_of
from mockllm.server import provider_proxy
from tests.server.recording import BODY, answering, files, post, provider, recording


@pytest.mark.parametrize(("text", "thread"), [("hi", False), ("hi " * 50_000, True)])
def test_thread_searches_the_secrets_of_a_long_request(
    text: str, thread: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def search(*of: Any) -> Redactor:
        threads.append(threading.current_thread().name)
        return redactor_of(*of)

    monkeypatch.setattr(provider_proxy, "redactor_of", search)
    body = {**BODY, "messages": [{"role": "user", "content": text}]}
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    with provider(answering(data)) as there, recording(tmp_path, openai=there) as (url, _, _):
        assert post(url, "/v1/chat/completions", body).status == 200
        files(tmp_path)
    assert [name != "mockllm" for name in threads] == [thread]  # the thread of the event loop
