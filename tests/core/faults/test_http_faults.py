"""Faults of HTTP: the resulting heads and bodies."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from mockllm.core.faults import FAULTS
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import (
    DEFAULT_DELIVERY,
    CutStep,
    Delivery,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    StepOutsideHttpChunks,
)
from tests.core.faults.plans import ARRAY, BODY, EMPTY, ERROR, HEAD, STEPS, STREAM, WHOLE, played, reason


def built(name: str, **settings: Any) -> Any:
    return FAULTS[name].model_validate(settings)


def test_content_type_is_replaced_or_removed() -> None:
    other = ("content-type", "text/html; charset=utf-8")
    assert played(built("content_type")) == replace(STREAM, head=ResponseHead(200, (("x-a", "b"), other)))
    assert played(built("content_type", value="a/b")).head.headers[1] == ("content-type", "a/b")
    assert played(built("content_type", value=None)).head == ResponseHead(200, (("x-a", "b"),))


def test_content_type_that_is_there_has_reason() -> None:
    wrong = built("content_type")
    assert reason(wrong, played(wrong)) == "the content-type is that already"


def test_content_type_is_removed_from_all_headers() -> None:
    head = ResponseHead(200, (("A", "1"), ("b", "2")), (("B", "3"), ("c", "4")))
    assert head.without("b") == ResponseHead(200, (("A", "1"),), (("c", "4"),))
    assert head.with_per_response_headers((("a", "5"),)) == ResponseHead(
        200, (("b", "2"),), (("B", "3"), ("c", "4"), ("a", "5"))
    )
    assert head.with_per_response_headers(()) is head


@pytest.mark.parametrize(
    ("plan", "size", "end"),
    [
        (STREAM, 84, (CutStep("close", 2),)),
        (ERROR, 15, (CutStep("close", 0),)),
        (ARRAY, 20, (RawStep(b"\n]", 0), CutStep("close", 2))),
    ],
)
def test_content_length_too_long_closes_the_connection(plan: Plan, size: int, end: Any) -> None:
    broken = played(built("content_length", by=7), plan)
    assert len(sent_bytes(plan)) == len(sent_bytes(broken)) == size
    assert broken.head.headers[-1] == ("content-length", str(size + 7))
    assert broken.steps == (*plan.steps, *end)


def test_content_length_too_long_preserves_a_cut() -> None:
    cut = played(built("reset"))
    assert played(built("content_length"), cut).steps == cut.steps
    assert played(built("content_length"), EMPTY).steps == (CutStep("close", 0),)


def test_content_length_too_short_preserves_the_body() -> None:
    broken = played(built("content_length", form="too_short"), WHOLE)
    assert broken.head.headers[-1] == ("content-length", str(len(BODY) - 10))
    assert broken.steps == WHOLE.steps
    assert played(built("content_length", form="too_short", by=99), ERROR).head.headers[-1][1] == "0"
    assert reason(built("content_length", form="too_short"), EMPTY) == "the response has no body"


def test_content_length_missing_ends_with_connection() -> None:
    long = replace(ERROR, head=ERROR.head.with_headers((("Content-Length", "9"),)))
    assert played(built("content_length", form="missing"), long) == replace(
        ERROR, delivery=Delivery(body_end="connection_end")
    )


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, b"this line is no header\r\n"),
        ({"form": "duplicate"}, b"Content-Type: text/plain\r\n"),
        ({"line": "x: \x00ü"}, b"x: \x00\xc3\xbc\r\n"),
        ({"line": "a: b\r\nc: d"}, b"a: b c: d\r\n"),
    ],
)
def test_bad_headers_add_a_line(settings: dict[str, Any], line: bytes) -> None:
    assert played(built("bad_headers", **settings)) == replace(
        STREAM, delivery=Delivery(extra_head_lines=line)
    )


def test_bad_headers_twice_add_two_lines() -> None:
    twice = played(built("bad_headers", line="b"), played(built("bad_headers", line="a")))
    assert twice.delivery.extra_head_lines == b"a\r\nb\r\n"


def test_broken_chunking_breaks_at_place() -> None:
    plan = played(built("broken_chunking"))
    assert plan.steps == (*STEPS[:3], StepOutsideHttpChunks(b"no size\r\n", 1), CutStep("close", 1))
    assert plan.delivery == Delivery(body_end="http_chunks")


def test_broken_chunking_too_short_size_is_half() -> None:
    rest = BODY[BODY.index(b"<two>") :]
    plan = played(built("broken_chunking", form="too_short"), WHOLE)
    assert plan.steps[-2:] == (
        StepOutsideHttpChunks(b"%x\r\n%b\r\n" % (len(rest) // 2, rest), 0),
        CutStep("close", 0),
    )
    end = played(built("broken_chunking", form="too_short", after={"bytes": 15}), ERROR)
    assert end.steps[1] == StepOutsideHttpChunks(b"1\r\n\r\n", 0)


def test_http_fault_beyond_the_end_has_reason() -> None:
    for name in ("broken_chunking", "truncate"):
        assert reason(built(name, after={"chunks": 9})) == "the response has only 2 chunks"


def test_truncate_ends_correctly_for_http() -> None:
    assert played(built("truncate")).steps == (*STEPS[:3], CutStep("end", 1))
    cut = played(built("truncate", after={"bytes": 5}), ARRAY)
    assert sent_bytes(cut) == b"[{1}\n"


# --- gzip ----------------------------------------------------------------------------------------


def unpacked(data: bytes) -> bytes:
    """As far as it can be unpacked."""
    packer = zlib.decompressobj(wbits=31)
    return b"".join(packer.decompress(data[at : at + 1]) for at in range(len(data)))


@pytest.mark.parametrize("plan", [STREAM, WHOLE, ARRAY], ids=["stream", "whole", "array"])
def test_bad_gzip_plain_or_truncated(plan: Plan) -> None:
    plain, short = (played(built("bad_gzip", form=form), plan) for form in ("plain", "truncated"))
    for broken in (plain, short):
        assert broken.head == plan.head.with_headers((("content-encoding", "gzip"),))
    assert plain.steps == plan.steps
    body = sent_bytes(plan)
    payload = unpacked(sent_bytes(short))
    assert body.startswith(payload)
    assert len(payload) < len(body)
    assert [step for step in short.steps if type(step) is not RawStep] == [
        step for step in plan.steps if type(step) is not EventStep
    ]


def test_bad_gzip_checksum_is_wrong() -> None:
    packed = sent_bytes(played(built("bad_gzip", form="bad_checksum")))
    assert unpacked(packed[:-8]) == sent_bytes(STREAM)
    with pytest.raises(zlib.error, match="incorrect data check"):
        unpacked(packed)


def test_bad_gzip_of_cut_response_is_cut() -> None:
    assert type(played(built("bad_gzip", form="bad_checksum"), played(built("reset"))).steps[-2]) is CutStep


# --- another server ------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "title"), [(502, "502 Bad Gateway"), (200, "200 OK"), (599, "599")])
def test_html_page_replaces_the_response(status: int, title: str) -> None:
    plan = played(built("html_page", status=status, headers={"server": "x"}), played(built("reset")))
    assert plan.head == ResponseHead(status, (("content-type", "text/html; charset=utf-8"), ("server", "x")))
    assert f"<h1>{title}</h1>".encode() in sent_bytes(plan)
    assert (plan.framing, plan.delay, plan.delivery) == (Framing.PLAIN, STREAM.delay, DEFAULT_DELIVERY)


def test_html_page_body_setting_is_sent() -> None:
    assert sent_bytes(played(built("html_page", body="<p>ü"))) == "<p>ü".encode()


def test_redirect_has_no_body() -> None:
    assert played(built("redirect", status=307, to="/x"), WHOLE) == Plan(
        ResponseHead(307, (("location", "/x"),)), (EventStep(b"", 0, "body"),)
    )
    assert played(built("redirect")).head == ResponseHead(302, (("location", "/login"),))
    assert STREAM.head == HEAD


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("redirect", {"status": 304}),
        ("html_page", {"status": 100}),
        ("bad_gzip", {"form": "x"}),
        ("content_length", {"by": 0}),
    ],
)
def test_http_fault_invalid_settings_are_refused(name: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        built(name, **settings)


@pytest.mark.parametrize("framing", [Framing.WEBSOCKET, Framing.WEBSOCKET_BINARY])
def test_fault_of_http_is_not_applied_to_messages(framing: Framing) -> None:
    messages = replace(STREAM, framing=framing)
    assert reason(built("truncate"), messages) == "the response is messages of a WebSocket"
