"""A body alone, as `explain` reads it: the provider's usual call, where the body shows whose it is."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mockllm.core.json.codec import dumps
from mockllm.dialects.dialect import Dialect
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import (
    BY_NAME,
    DEFAULT,
    GENERATING_CALLS,
    REGISTERED,
    GeneratingCall,
    generating_dialect,
)
from mockllm.engine.known_names import KNOWN_NAMES
from mockllm.testing import request_files
from mockllm.testing.request_files import guess_route, read_request_file

USUAL = [
    call
    for call in GENERATING_CALLS
    if call.dialect.name == call.provider and call.dialect is generating_dialect(call.provider)
]
"""The usual call of each provider with its own protocol."""


def is_distinct(call: GeneratingCall) -> bool:
    """Whether no call of OpenAI accepts such a body; else only what the provider itself recognizes distinguishes
    them."""
    body = call.dialect.build_request(NeutralRequest()).body
    assert isinstance(body, dict)
    route = guess_route(body)
    guessed = (generating_dialect(DEFAULT.name), None if route is None else route.call.dialect)
    accepted = any(dialect is not None and accepts(dialect, dumps(body)) for dialect in guessed)
    return not accepted or BY_NAME[call.provider].recognizes_body is not None


def accepts(dialect: Dialect, raw: bytes) -> bool:
    """Return whether the checks of a call pass this body."""
    return dialect.check(dialect.request_class(method="POST", path="/", headers={}, raw=raw)) is None


DISTINCT = [call for call in USUAL if is_distinct(call)]


@pytest.mark.parametrize("call", DISTINCT, ids=[call.name for call in DISTINCT])
@pytest.mark.parametrize("wanted", [NeutralRequest(), NeutralRequest(max_tokens=7)], ids=["plain", "limited"])
def test_explain_knows_whose_body_it_is(call: GeneratingCall, wanted: NeutralRequest) -> None:
    wire = call.dialect.build_request(wanted)
    ((file,),) = read_request_file(dumps(wire.body), "a.json", KNOWN_NAMES)
    assert file.sent.path == wire.path, (
        f"{call.provider}: `recognizes_body` is true for this body, and for none of OpenAI's or another provider's"
    )
    assert file.sent.raw == dumps(wire.body)


def test_bodies_of_some_protocols_are_distinct() -> None:
    assert {call.provider for call in DISTINCT} >= {"anthropic", "bedrock", "gemini"}


def test_body_with_prompt_alone_is_of_completions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a provider without `recognizes_body` has its prompt in that field."""
    prompted = replace(BY_NAME["cohere"], messages_field="prompt")
    monkeypatch.setattr(request_files, "REGISTERED", (*REGISTERED, prompted))
    body = dumps({"model": "gpt-3.5-turbo-instruct", "prompt": "hi"})
    ((file,),) = read_request_file(body, "a.json", KNOWN_NAMES)
    assert file.sent.path == "/v1/completions"
