"""Verdicts read the wait in a header of one provider: those of the control API, and those of a test."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from mockllm.core.json.codec import dumps
from mockllm.testing import MockLLM
from tests.dialects.wait_header import add_wait_header
from tests.server.control.live_server import steered
from tests.waiting import PATIENCE


@pytest.fixture(autouse=True)
def wait_of_nimbus(monkeypatch: pytest.MonkeyPatch) -> None:
    add_wait_header(monkeypatch)


RULE = {
    "error": {"type": "rate_limit", "retry_after": "none"},
    "headers": {"Nimbus-Wait": "20000"},
}
BODY = {"model": "command-a-03-2025", "messages": [{"role": "user", "content": "hi"}]}
IGNORED = "after #1, which requested a wait of 20s"


def test_control_api_judges_by_wait_of_provider(tmp_path: Path) -> None:
    with steered(tmp_path, {"a.yaml": json.dumps({"mockllm": 1, "rules": [RULE]})}) as server:
        for _ in range(2):
            assert server.call("POST", "/cohere/v2/chat", BODY).status == 429
        (client,) = server.call("GET", "/api/verdicts?over=true").json["clients"]
    assert client["verdicts"][0]["verdict"] == "retry_after_ignored"
    assert client["verdicts"][0]["says"].endswith(IGNORED)


def test_verdicts_of_test_know_wait_of_provider() -> None:
    with MockLLM() as server:
        server.error(RULE["error"], headers=RULE["headers"])
        request = Request(
            f"{server.base_url}/cohere/v2/chat", dumps(BODY), {"content-type": "application/json"}
        )
        for _ in range(2):
            with pytest.raises(HTTPError):
                urlopen(request, timeout=PATIENCE)
        assert server.verdicts[0].says.endswith(IGNORED)
