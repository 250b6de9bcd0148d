"""Claude in Microsoft Foundry: Anthropic's messages behind Azure's gateway."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.dialects.azure.claude import FoundryMessagesRequest
from mockllm.dialects.azure.provider import FOUNDRY_MESSAGES
from mockllm.dialects.neutral_request import NeutralRequest
from tests.language.virtual_server import ClientResponse, VirtualServer, raw_request

PATH = "/azure/anthropic/v1/messages"
RULES = """
rules:
  - {match: {user: denied}, error: authentication}
  - {match: {user: own}, error: {type: permission, message: Go away., status: 418}}
  - {match: {user: busy}, error: {type: rate_limit, retry_after: 2s}}
  - {match: {provider: azure, dialect: anthropic}, per: api_key, sequence: [{reply: First.}, {reply: Second.}]}
"""


def respond(user: str, path: str = PATH, headers: Any = None, **fields: Any) -> ClientResponse:
    body = {
        "model": "claude-sonnet-5",
        "max_tokens": 10,
        "messages": [{"role": "user", "content": user}],
        **fields,
    }
    return VirtualServer(RULES).respond(raw_request(path, body, headers=headers or {"api-key": "k"}))


@pytest.mark.parametrize("stream", [False, True])
def test_response_has_the_ids_of_both_services(stream: bool) -> None:
    response = respond("hi", stream=stream)
    assert response.text == "First."
    assert {"request-id", "apim-request-id"} <= response.headers.keys()
    assert not any(name.startswith("anthropic-") for name in response.headers)


def test_gateway_refuses_in_its_own_form() -> None:
    response = respond("denied")
    assert (response.status, response.json["error"]["code"], response.json["error"].keys()) == (
        401,
        "401",
        {"code", "message", "details"},
    )
    own = respond("own")
    assert (own.status, own.json["error"]["message"]) == (418, "Go away.")


def test_other_errors_are_those_of_anthropic() -> None:
    response = respond("busy")
    assert (response.status, response.json["error"]["type"]) == (429, "rate_limit_error")
    assert response.headers["retry-after"] == "2"
    assert not any(name.startswith("anthropic-") for name in response.headers)
    count = respond("hi", f"{PATH}/count_tokens", max_tokens=1)
    assert count.json["input_tokens"] > 0
    assert respond("hi", f"{PATH}/count_tokens", model=7).status == 400


@pytest.mark.parametrize(
    "headers", [{"api-key": "a"}, {"x-api-key": "a", "api-key": "a"}, {"authorization": "Bearer a"}]
)
def test_key_is_in_any_of_three_headers(headers: Any) -> None:
    assert FoundryMessagesRequest(method="POST", path=PATH, headers=headers).api_key == "a"


def test_request_is_read_as_it_was_built() -> None:
    wire = FOUNDRY_MESSAGES.build_request(NeutralRequest(user="hi", api_key="k"))
    assert (wire.path, wire.headers["api-key"]) == (PATH, "k")
    read = FoundryMessagesRequest(method="POST", path=wire.path, headers=wire.headers, raw=dumps(wire.body))
    assert (read.user, read.api_key) == ("hi", "k")
    assert "api-key" not in FOUNDRY_MESSAGES.build_request(NeutralRequest(user="hi")).headers
