"""What a scenario sets of an error is in the response of every protocol: status, fields, headers, wait."""

from __future__ import annotations

from mockllm.core.failure import NEVER, Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import Plan
from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.neutral_request import NeutralRequest
from tests.dialects.test_building_and_decoding import IDENTITY, dialects, requested


def failed(dialect: ReplyDialect, failure: Failure) -> Plan:
    return dialect.error(failure, requested(dialect, NeutralRequest()), IDENTITY)


def members(value: Json) -> set[str]:
    """The names of all members, however deep."""
    if isinstance(value, list):
        return {name for item in value for name in members(item)}
    if not isinstance(value, dict):
        return set()
    return set(value) | {name for item in value.values() for name in members(item)}


@dialects
def test_error_has_status_of_failure(dialect: ReplyDialect) -> None:
    assert failed(dialect, Failure("rate_limit", status=418)).head.status == 418


@dialects
def test_error_has_fields_of_failure(dialect: ReplyDialect) -> None:
    plan = failed(dialect, Failure("server_error", fields={"own_field": 1}))
    assert "own_field" in members(loads(sent_bytes(plan)))


@dialects
def test_error_has_headers_of_failure(dialect: ReplyDialect) -> None:
    plan = failed(dialect, Failure("server_error", headers=(("x-own", "1"),)))
    assert ("x-own", "1") in plan.head.headers


@dialects
def test_error_states_wait_of_failure(dialect: ReplyDialect) -> None:
    """In a header or in the body: `again()` returns it."""
    plan, other = (failed(dialect, Failure("rate_limit", retry_after=wait)) for wait in (1234.0, 2345.0))
    assert (plan.head.headers, sent_bytes(plan)) != (other.head.headers, sent_bytes(other))
    assert b"1234" in sent_bytes(plan) or any("1234" in value for _, value in plan.head.headers)


@dialects
def test_error_without_retry_has_no_wait(dialect: ReplyDialect) -> None:
    names = {name for name, _ in failed(dialect, Failure("rate_limit", retry_after=NEVER)).head.headers}
    assert not {"retry-after", "retry-after-ms"} & names
