"""Faults of HTTP: a head that lies, a body in a form that nobody asked for, an answer that is a proxy's."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Final, Literal

from msgspec.structs import replace
from pydantic import Field

from mockllm.core.faults.base import Fault, NotApplicable, fault
from mockllm.core.faults.fault_points import MIDDLE, GapPoint, alive, bound, gap
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.framing import closing, written
from mockllm.core.rendering.plan import (
    CutStep,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    Step,
    UnchunkedStep,
)
from mockllm.core.values.types import Drawable, Templated

TYPE: Final = "content-type"
LENGTH: Final = "content-length"
HTML: Final = "text/html; charset=utf-8"
EMPTY: Final = NotApplicable("the answer has no body")


# --- heads ---------------------------------------------------------------------------------------


@fault("content_type")
class ContentType(Fault):
    """The body is said to be of another type than it is."""

    value: Templated[str] | None = Field(
        default=HTML, description="What stands in the head instead; with null there is no content-type."
    )

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        head = plan.head
        told = head.without(TYPE) if self.value is None else head.with_headers(((TYPE, self.value),))
        return replace(plan, head=told)


@fault("content_length")
class ContentLength(Fault):
    """The length that the head tells is not the body's.

    `too_long`: the connection is closed before so much has come. `too_short`: what is left over comes before
    the connection's next answer. `missing`: neither a length nor chunks; the answer ends with its connection.
    What faults behind it in the list make of the body is not counted.
    """

    form: Literal["too_long", "too_short", "missing"] = Field(
        default="too_long", description="What is wrong with it."
    )
    by: Drawable[Annotated[int, Field(ge=1)]] = Field(
        default=10, description="By how many bytes it is wrong."
    )

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        if self.form == "missing":
            delivery = replace(plan.delivery, body="close")
            return replace(plan, head=plan.head.without(LENGTH), delivery=delivery)
        size = len(sent_bytes(plan))
        if self.form == "too_long":
            return replace(_of_length(plan, size + self.by), steps=_closed(plan))
        return _of_length(plan, max(0, size - self.by)) if size else EMPTY


def _of_length(plan: Plan, length: int) -> Plan:
    return replace(plan, head=plan.head.with_headers(((LENGTH, str(length)),)))


def _closed(plan: Plan) -> Sequence[Step]:
    """The steps, and behind the last one the connection is closed."""
    steps = alive(plan)
    if len(steps) < len(plan.steps):
        return plan.steps
    last = closing(plan)
    return (
        *steps,
        *([RawStep(last, 0)] if last else []),
        CutStep("close", steps[-1].chunk_index if steps else 0),
    )


@fault("bad_headers")
class BadHeaders(Fault):
    """A line in the head that does not belong there."""

    form: Literal["malformed", "duplicate"] = Field(
        default="malformed",
        description="`malformed`: a line that is no header. `duplicate`: a second content-type, another one.",
    )
    line: Templated[str] | None = Field(
        default=None, description="The line that stands there in place of the form's own."
    )

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        line = LINES[self.form] if self.line is None else self.line
        one = " ".join(line.splitlines()).encode() + b"\r\n"
        return replace(plan, delivery=replace(plan.delivery, lines=plan.delivery.lines + one))


LINES: Final = {"malformed": "this line is no header", "duplicate": "Content-Type: text/plain"}


# --- bodies --------------------------------------------------------------------------------------


@fault("broken_chunking")
class BrokenChunking(Fault):
    """HTTP's chunks break: the answer is sent in chunks, and at a place comes what is none. The connection is
    closed behind it."""

    after: GapPoint = Field(default=MIDDLE, description="Where the chunks break.")
    form: Literal["no_size", "too_short"] = Field(
        default="no_size",
        description="`no_size`: where a chunk's size should stand is a word. `too_short`: the next chunk holds "
        "the rest of the answer, and its size tells half of it.",
    )

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        place = gap(plan, self.after)
        if isinstance(place, NotApplicable):
            return place
        if self.form == "no_size":
            bad = b"no size\r\n"
        else:
            before = replace(plan, steps=(*place.before, CutStep("end", place.beat)))
            rest = sent_bytes(plan)[len(sent_bytes(before)) :]
            bad = b"%x\r\n%b\r\n" % (max(1, len(rest) // 2), rest)
        steps = (*place.before, UnchunkedStep(bad, place.beat), CutStep("close", place.beat))
        delivery = replace(plan.delivery, body="chunks")
        return replace(plan, head=plan.head.without(LENGTH), steps=steps, delivery=delivery)


@fault("truncate")
class Truncate(Fault):
    """The body ends early, and for HTTP that is its end: the length or the last chunk is right."""

    after: GapPoint = Field(default=MIDDLE, description="Where the body ends.")

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        place = gap(plan, self.after)
        if isinstance(place, NotApplicable):
            return place
        return replace(plan, steps=(*place.before, CutStep("end", place.beat)))


@fault("bad_gzip")
class BadGzip(Fault):
    """The head says gzip, and the body cannot be unpacked."""

    form: Literal["plain", "truncated", "bad_checksum"] = Field(
        default="plain",
        description="`plain`: the body is not packed at all. `truncated`: the second half of the packed bytes "
        "is missing. `bad_checksum`: all can be unpacked, but for the checksum at the end.",
    )

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        said = replace(plan, head=plan.head.with_headers((("content-encoding", "gzip"),)))
        if self.form == "plain":
            return said
        steps = tuple(_packed(plan, good=self.form != "bad_checksum"))
        steps = tuple(_first_half(steps)) if self.form == "truncated" else steps
        return replace(said, steps=steps, chunk_texts=())


def _packed(plan: Plan, *, good: bool) -> Iterator[Step]:
    """The steps with their bytes packed, each so that it can be unpacked as it comes; the checksum as it should
    be, or not. It stands behind a cut, for the length that a whole answer's head tells."""
    packer = zlib.compressobj(wbits=31)
    for step, data in written(plan):
        if data:
            yield RawStep(
                packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH), step.chunk_index, bound=bound(step)
            )
        else:
            yield step
    yield from (step for step in plan.steps if type(step) is CutStep)
    last = packer.compress(closing(plan)) + packer.flush()
    yield RawStep(last if good else last[:-CHECKSUM] + bytes(byte ^ 0xFF for byte in last[-CHECKSUM:]), 0)


CHECKSUM: Final = 8
"""Bytes at the end of gzip: checksum and size."""


def _first_half(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps without the second half of their bytes."""
    left = sum(len(step.data) for step in steps if type(step) is RawStep) // 2
    for step in steps:
        if type(step) is not RawStep:
            yield step
        elif left:
            yield replace(step, data=step.data[:left])
            left -= min(left, len(step.data))


# --- answers of somebody else --------------------------------------------------------------------


@fault("html_page")
class HtmlPage(Fault):
    """A page of HTML in place of the answer, as proxies and gateways send it. The answer's own headers are
    gone with it."""

    instead = True

    status: Templated[Annotated[int, Field(ge=200, le=599)]] = Field(
        default=502, description="The status: 502 as of a gateway, 200 as of a network that wants a login."
    )
    body: Templated[str] | None = Field(
        default=None, description="The page, in place of one that names the status."
    )
    headers: dict[str, Templated[str]] = Field(default={}, description="Headers beside the content-type.")

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        page = _page(self.status) if self.body is None else self.body
        return _instead(plan, self.status, {TYPE: HTML, **self.headers}, page.encode())


@fault("redirect")
class Redirect(Fault):
    """The answer sends the client elsewhere, as a proxy does that wants a login."""

    instead = True

    status: Templated[Literal[301, 302, 303, 307, 308]] = Field(
        default=302, description="301, 302, 303, 307 or 308; a client repeats a POST at 307 and 308 only."
    )
    to: Templated[str] = Field(default="/login", description="Where to.")

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        return _instead(plan, self.status, {"location": self.to}, b"")


def _instead(plan: Plan, status: int, headers: Mapping[str, str], body: bytes) -> Plan:
    """Another answer, which leaves when the head would have. How a connection carries it stays."""
    return replace(
        plan,
        head=ResponseHead(status, tuple(headers.items())),
        steps=(EventStep(body, 0, "body"),),
        framing=Framing.PLAIN,
        chunk_texts=(),
    )


def _page(status: int) -> str:
    known = status in HTTPStatus._value2member_map_
    title = f"{status} {HTTPStatus(status).phrase}" if known else str(status)
    return (
        f"<!DOCTYPE html>\n<html>\n<head><title>{title}</title></head>\n"
        f"<body><h1>{title}</h1><p>This page is no answer of an API.</p></body>\n</html>\n"
    )
