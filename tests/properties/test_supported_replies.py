"""A dialect's supported reply is supported already: the engine restricts a reply again after each fault."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import GENERATING_CALLS
from tests.dialects.test_building_and_decoding import requested
from tests.examples import examples
from tests.properties.replies import any_words, built
from tests.properties.test_replies import sizes


@pytest.mark.parametrize(
    "dialect", [call.dialect for call in GENERATING_CALLS], ids=[call.name for call in GENERATING_CALLS]
)
@given(word=any_words, size=sizes)
@settings(max_examples=examples(40), deadline=None)
def test_supported_reply_is_idempotent(dialect: ReplyDialect, word: dict[str, Any], size: int) -> None:
    request = requested(dialect, NeutralRequest())
    reply = dialect.supported_reply(built(word, request, size), request)
    assert dialect.supported_reply(reply, request) == reply
