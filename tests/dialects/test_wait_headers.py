"""The wait in a header of one provider: the verdicts read it, and a date replaces it."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps
from mockllm.core.rendering.plan import Plan
from mockllm.dialects import listing
from mockllm.dialects.cohere import CHAT
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import REGISTERED
from mockllm.dialects.registry import wait_headers
from mockllm.engine.plans_without_reply import error_plan
from mockllm.testing import MockLLM
from tests.dialects.test_building_and_decoding import STAMP, requested
from tests.server.control.live_server import steered
from tests.waiting import PATIENCE

OWN = {"nimbus-wait": 0.001}


@pytest.fixture(autouse=True)
def wait_of_nimbus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cohere has the header of another provider, in milliseconds."""
    listed = listing.BY_NAME["cohere"]
    monkeypatch.setitem(listed.__dict__, "full", replace(listed.full, wait_headers=OWN))


def limited(failure: Failure) -> Plan:
    request = requested(CHAT, NeutralRequest())
    request.provider = "cohere"
    return error_plan(CHAT, failure, request, STAMP)


def test_wait_headers_are_those_of_the_provider() -> None:
    assert wait_headers("cohere") == OWN
    assert wait_headers("openai") == wait_headers("nobody") == wait_headers(None) == {}


def test_date_replaces_wait_in_header_of_provider() -> None:
    failure = Failure("rate_limit", retry_after=20.0, retry_date=True, headers=(("Nimbus-Wait", "20000"),))
    headers = {name.lower(): value for name, value in limited(failure).head.headers}
    assert "nimbus-wait" not in headers
    assert parsedate_to_datetime(headers["retry-after"]).timestamp() == 20


def test_wait_in_seconds_leaves_header_of_provider() -> None:
    headers = limited(
        Failure("rate_limit", retry_after=20.0, headers=(("Nimbus-Wait", "20000"),))
    ).head.headers
    assert ("Nimbus-Wait", "20000") in headers


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


def test_names_of_wait_headers_are_in_lower_case() -> None:
    for provider in REGISTERED:
        assert all(name == name.lower() for name in provider.wait_headers), provider.name
