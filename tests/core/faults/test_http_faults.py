"""Faults of HTTP: what they make of a plan's head and body."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from mockllm.core.faults import FAULTS
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import (
    USUAL,
    CutStep,
    Delivery,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    UnchunkedStep,
)
from tests.core.faults.plans import ARRAY, BODY, EMPTY, ERROR, HEAD, STEPS, STREAM, WHOLE, played, reason


def made(name: str, **settings: Any) -> Any:
    return FAULTS[name].model_validate(settings)


def test_a_content_type_is_another_or_none() -> None:
    other = ("content-type", "text/html; charset=utf-8")
    assert played(made("content_type")) == replace(STREAM, head=ResponseHead(200, (("x-a", "b"), other)))
    assert played(made("content_type", value="a/b")).head.headers[1] == ("content-type", "a/b")
    assert played(made("content_type", value=None)).head == ResponseHead(200, (("x-a", "b"),))


def test_a_header_goes_wherever_it_stands() -> None:
    head = ResponseHead(200, (("A", "1"), ("b", "2")), (("B", "3"), ("c", "4")))
    assert head.without("b") == ResponseHead(200, (("A", "1"),), (("c", "4"),))
    assert head.with_unique_headers((("a", "5"),)) == ResponseHead(
        200, (("b", "2"),), (("B", "3"), ("c", "4"), ("a", "5"))
    )
    assert head.with_unique_headers(()) is head


@pytest.mark.parametrize(
    ("plan", "size", "end"),
    [
        (STREAM, 84, (CutStep("close", 2),)),
        (ERROR, 15, (CutStep("close", 0),)),
        (ARRAY, 20, (RawStep(b"\n]", 0), CutStep("close", 2))),
    ],
)
def test_a_length_that_is_too_long_ends_with_the_connection(plan: Plan, size: int, end: Any) -> None:
    broken = played(made("content_length", by=7), plan)
    assert len(sent_bytes(plan)) == len(sent_bytes(broken)) == size
    assert broken.head.headers[-1] == ("content-length", str(size + 7))
    assert broken.steps == (*plan.steps, *end)


def test_a_length_that_is_too_long_leaves_a_cut_where_it_is() -> None:
    cut = played(made("reset"))
    assert played(made("content_length"), cut).steps == cut.steps
    assert played(made("content_length"), EMPTY).steps == (CutStep("close", 0),)


def test_a_length_that_is_too_short_leaves_the_answer_as_it_is() -> None:
    broken = played(made("content_length", form="too_short"), WHOLE)
    assert broken.head.headers[-1] == ("content-length", str(len(BODY) - 10))
    assert broken.steps == WHOLE.steps
    assert played(made("content_length", form="too_short", by=99), ERROR).head.headers[-1][1] == "0"
    assert reason(made("content_length", form="too_short"), EMPTY) == "the response has no body"


def test_without_a_length_the_connection_tells_the_end() -> None:
    long = replace(ERROR, head=ERROR.head.with_headers((("Content-Length", "9"),)))
    assert played(made("content_length", form="missing"), long) == replace(
        ERROR, delivery=Delivery(body="close")
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
def test_a_line_that_does_not_belong_into_a_head(settings: dict[str, Any], line: bytes) -> None:
    assert played(made("bad_headers", **settings)) == replace(STREAM, delivery=Delivery(lines=line))


def test_bad_lines_add_up() -> None:
    twice = played(made("bad_headers", line="b"), played(made("bad_headers", line="a")))
    assert twice.delivery.lines == b"a\r\nb\r\n"


def test_chunks_break_at_a_place() -> None:
    plan = played(made("broken_chunking"))
    assert plan.steps == (*STEPS[:3], UnchunkedStep(b"no size\r\n", 1), CutStep("close", 1))
    assert plan.delivery == Delivery(body="chunks")


def test_a_chunk_is_longer_than_it_tells() -> None:
    rest = BODY[BODY.index(b"<two>") :]
    plan = played(made("broken_chunking", form="too_short"), WHOLE)
    assert plan.steps[-2:] == (
        UnchunkedStep(b"%x\r\n%b\r\n" % (len(rest) // 2, rest), 0),
        CutStep("close", 0),
    )
    end = played(made("broken_chunking", form="too_short", after={"bytes": 15}), ERROR)
    assert end.steps[1] == UnchunkedStep(b"1\r\n\r\n", 0)


def test_places_that_are_not_there_break_nothing() -> None:
    for name in ("broken_chunking", "truncate"):
        assert reason(made(name, after={"chunks": 9})) == "the response has only 2 chunks"


def test_what_is_truncated_ends_well_for_http() -> None:
    assert played(made("truncate")).steps == (*STEPS[:3], CutStep("end", 1))
    cut = played(made("truncate", after={"bytes": 5}), ARRAY)
    assert sent_bytes(cut) == b"[{1}\n"


# --- gzip ----------------------------------------------------------------------------------------


def unpacked(data: bytes) -> bytes:
    """As far as it can be unpacked."""
    packer = zlib.decompressobj(wbits=31)
    return b"".join(packer.decompress(data[at : at + 1]) for at in range(len(data)))


@pytest.mark.parametrize("plan", [STREAM, WHOLE, ARRAY], ids=["stream", "whole", "array"])
def test_gzip_that_is_none_or_breaks_off(plan: Plan) -> None:
    plain, short = (played(made("bad_gzip", form=form), plan) for form in ("plain", "truncated"))
    for broken in (plain, short):
        assert broken.head == plan.head.with_headers((("content-encoding", "gzip"),))
    assert plain.steps == plan.steps
    body = sent_bytes(plan)
    said = unpacked(sent_bytes(short))
    assert body.startswith(said)
    assert len(said) < len(body)
    assert [step for step in short.steps if type(step) is not RawStep] == [
        step for step in plan.steps if type(step) is not EventStep
    ]


def test_gzip_whose_checksum_is_wrong() -> None:
    packed = sent_bytes(played(made("bad_gzip", form="bad_checksum")))
    assert unpacked(packed[:-8]) == sent_bytes(STREAM)
    with pytest.raises(zlib.error, match="incorrect data check"):
        unpacked(packed)


def test_gzip_of_what_is_cut_is_cut() -> None:
    assert type(played(made("bad_gzip", form="bad_checksum"), played(made("reset"))).steps[-2]) is CutStep


# --- somebody else -------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "title"), [(502, "502 Bad Gateway"), (200, "200 OK"), (599, "599")])
def test_a_page_in_place_of_the_answer(status: int, title: str) -> None:
    plan = played(made("html_page", status=status, headers={"server": "x"}), played(made("reset")))
    assert plan.head == ResponseHead(status, (("content-type", "text/html; charset=utf-8"), ("server", "x")))
    assert f"<h1>{title}</h1>".encode() in sent_bytes(plan)
    assert (plan.framing, plan.delay, plan.delivery) == (Framing.PLAIN, STREAM.delay, USUAL)


def test_a_page_of_ones_own() -> None:
    assert sent_bytes(played(made("html_page", body="<p>ü"))) == "<p>ü".encode()


def test_a_redirect_has_no_body() -> None:
    assert played(made("redirect", status=307, to="/x"), WHOLE) == Plan(
        ResponseHead(307, (("location", "/x"),)), (EventStep(b"", 0, "body"),)
    )
    assert played(made("redirect")).head == ResponseHead(302, (("location", "/login"),))
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
def test_settings_of_http_faults_that_do_not_fit_are_refused(name: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        made(name, **settings)
