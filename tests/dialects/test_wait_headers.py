"""The wait in a header of one provider: a date replaces it."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import Plan
from mockllm.dialects.cohere.provider import CHAT
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.provider_facts import wait_headers
from mockllm.dialects.providers import REGISTERED
from mockllm.engine.plans_without_reply import error_plan
from tests.dialects.test_building_and_decoding import IDENTITY, requested
from tests.dialects.wait_header import OWN, add_wait_header


@pytest.fixture(autouse=True)
def wait_of_nimbus(monkeypatch: pytest.MonkeyPatch) -> None:
    add_wait_header(monkeypatch)


def limited(failure: Failure) -> Plan:
    request = requested(CHAT, NeutralRequest())
    request.provider = "cohere"
    return error_plan(CHAT, failure, request, IDENTITY)


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


def test_names_of_wait_headers_are_in_lower_case() -> None:
    for provider in REGISTERED:
        assert all(name == name.lower() for name in provider.wait_headers), provider.name
