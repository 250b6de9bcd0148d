"""Finish reasons, models and extras that a scenario writes, in every protocol, streamed and whole."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Choice, Reply, Text
from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.provider_facts import DIALECT_NAMES
from tests.dialects.test_building_and_decoding import CALL, USAGE, dialects, encoded, reply, talking
from tests.dialects.test_error_overrides import members
from tests.dialects.test_parts_of_replies import block_dialect, streamed

PLAIN: Final = reply(Text(("Hel", "lo")))
MODEL: Final = NeutralRequest(model="model-of-request")


def sent(plan: Plan) -> bytes:
    """Return the data of all events, or the body."""
    return b"\n".join(data for data, _ in events(plan))


def payloads(plan: Plan) -> list[Json]:
    found: list[Json] = []
    for data, _ in events(plan):
        try:
            found.append(loads(data))
        except JSONDecodeError:
            continue
    return found


def objects_in(body: Json) -> list[str]:
    """Return the names of the top-level members that are objects."""
    assert isinstance(body, dict)
    return [name for name, value in body.items() if isinstance(value, dict)]


@dialects
@streamed
def test_raw_finish_reason_is_decoded_unchanged(dialect: ReplyDialect, stream: bool) -> None:
    replied = Reply((Choice((Text(("Hi.",)),), raw_finish="UNEXPECTED"),), USAGE)
    decoded = dialect.decode(encoded(dialect, replied, stream=stream))
    assert decoded is not None
    assert decoded.finish == "UNEXPECTED"


@talking
@streamed
def test_raw_finish_reason_of_calls_is_unchanged(dialect: ReplyDialect, stream: bool) -> None:
    replied = Reply((Choice((CALL,), "tool_calls", raw_finish="UNEXPECTED"),), USAGE)
    decoded = dialect.decode(encoded(dialect, replied, stream=stream))
    assert decoded is not None
    assert decoded.finish == "UNEXPECTED"


@dialects
@streamed
def test_model_of_reply_replaces_that_of_request(dialect: ReplyDialect, stream: bool) -> None:
    """Where the response names the model of the request."""
    usual = sent(encoded(dialect, PLAIN, MODEL, stream=stream))
    own = sent(encoded(dialect, replace(PLAIN, model="model-of-reply"), MODEL, stream=stream))
    assert own.count(b"model-of-reply") == usual.count(b"model-of-request")
    assert own.replace(b"model-of-reply", b"model-of-request") == usual


@dialects
@streamed
def test_extras_of_a_dialect_are_sent(dialect: ReplyDialect, stream: bool) -> None:
    replied = replace(PLAIN, extras={block_dialect(dialect): {"own_member": {"deep": [1]}}})
    found = payloads(encoded(dialect, replied, stream=stream))
    assert {"own_member", "deep"} <= {name for payload in found for name in members(payload)}
    plain = payloads(encoded(dialect, PLAIN, stream=stream))
    assert len(found) == len(plain)


@dialects
@streamed
def test_extras_of_other_dialects_are_not_sent(dialect: ReplyDialect, stream: bool) -> None:
    extras = {name: {"own_member": 1} for name in DIALECT_NAMES - {block_dialect(dialect)}}
    plan = encoded(dialect, replace(PLAIN, extras=extras), stream=stream)
    assert sent(plan) == sent(encoded(dialect, PLAIN, stream=stream))


@dialects
def test_extras_are_merged_into_objects_of_the_body(dialect: ReplyDialect) -> None:
    (usual,) = payloads(encoded(dialect, PLAIN))
    for name in objects_in(usual):
        extra: dict[str, Json] = {name: {"own_member": {"deep": 1}}}
        (found,) = payloads(encoded(dialect, replace(PLAIN, extras={block_dialect(dialect): extra})))
        assert found == merged_json(usual, extra), name


@dialects
def test_extras_replace_no_object_of_an_event(dialect: ReplyDialect) -> None:
    usual = payloads(encoded(dialect, PLAIN, stream=True))
    names = {name for event in usual if isinstance(event, dict) for name in objects_in(event)}
    for name in names:
        extras = {block_dialect(dialect): {name: {"own_member": 1}}}
        found = payloads(encoded(dialect, replace(PLAIN, extras=extras), stream=True))
        for before, after in zip(usual, found, strict=True):
            if isinstance(before, dict) and isinstance(before.get(name), dict):
                assert isinstance(after, dict)
                assert after[name].keys() >= before[name].keys(), name
