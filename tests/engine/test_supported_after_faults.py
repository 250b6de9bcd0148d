"""Encoders get only replies that their protocol can express, whatever a fault has put into a reply."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mockllm.core.faults import FAULTS, ReplyFault, ReplyFaultContext
from mockllm.core.json.codec import dumps
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Choice, Refusal, Reply, Text, Thinking
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai import provider as openai
from tests.language.virtual_server import VirtualServer, raw_request

RULE = "rules:\n  - {name: r, match: {api: completions}, reply: a b c, faults: [%s]}\n"
FOREIGN = (Thinking(("Hm.",)), Refusal(("No.",)))
"""Legacy completions have no form for either."""


def _add_foreign_parts(fault: ReplyFault, reply: Reply, stated: ReplyFaultContext) -> Reply:
    choice = reply.choices[0]
    return replace(reply, choices=(Choice((*FOREIGN, *choice.parts), choice.finish),))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["length_stop", "refusal"])
def test_encoder_gets_supported_reply_after_fault(
    name: str, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, method = FAULTS[name], "encode_stream" if stream else "encode_body"
    encode, encoded = getattr(openai.COMPLETIONS, method), []

    def recorded(reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        encoded.append(reply)
        plan: Plan = encode(reply, request, identity)
        return plan

    monkeypatch.setattr(kind, "apply_to_reply", _add_foreign_parts)
    monkeypatch.setattr(openai.COMPLETIONS, method, recorded)
    body = dumps({"model": "gpt-3.5-turbo-instruct", "prompt": "hi", "stream": stream})
    VirtualServer(RULE % name).respond(raw_request("/v1/completions", body))
    assert encoded
    for reply in encoded:
        assert not [part for part in reply.choices[0].parts if type(part) is not Text]


def test_one_of_the_two_faults_sees_what_is_shown() -> None:
    shown = {name: FAULTS[name].applies_after_supported_reply for name in ("length_stop", "refusal")}  # type: ignore[attr-defined]
    assert sorted(shown.values()) == [False, True]
