"""Faults of HTTP: a wrong head, a body in a form that the client did not request, a response from a proxy."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal

from msgspec.structs import replace
from pydantic import Field

from mockllm.core.faults.base import Fault, NotApplicable, fault
from mockllm.core.faults.fault_points import MIDDLE, GapPoint, belongs_to_chunk, find_gap, live_steps
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.framing import closing_bytes, steps_with_bytes
from mockllm.core.rendering.plan import (
    PHRASES,
    CutStep,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    Step,
    StepOutsideHttpChunks,
)
from mockllm.core.values.types import Drawable, Templated

TYPE: Final = "content-type"
LENGTH: Final = "content-length"
HTML: Final = "text/html; charset=utf-8"


@fault("content_type", "http")
class ContentType(Fault):
    """The `content-type` is not the type of the body."""

    needs_http = True
    null_fields = ("value",)

    value: Templated[str] | None = Field(
        default=HTML, description="The value in the head; with null there is no content-type."
    )

    def apply_to_plan(self, plan: Plan) -> Plan:
        head = plan.head
        wrong = head.without(TYPE) if self.value is None else head.with_headers(((TYPE, self.value),))
        if wrong == head:
            raise NotApplicable("the content-type is that already")
        return replace(plan, head=wrong)


@fault("content_length", "http")
class ContentLength(Fault):
    """The `content-length` is not the length of the body.

    `too_long`: the connection is closed before so many bytes are sent. `too_short`: the remaining bytes come before
    the connection's next response. `missing`: neither a length nor chunks; the response ends with its connection.
    Changes of the body by later faults in the list do not count.
    """

    needs_http = True

    form: Literal["too_long", "too_short", "missing"] = Field(
        default="too_long", description="What is wrong with it."
    )
    by: Drawable[Annotated[int, Field(ge=1)]] = Field(
        default=10, description="By how many bytes it is wrong."
    )

    def apply_to_plan(self, plan: Plan) -> Plan:
        if self.form == "missing":
            delivery = replace(plan.delivery, body_end="connection_end")
            return replace(plan, head=plan.head.without(LENGTH), delivery=delivery)
        size = len(sent_bytes(plan))
        if self.form == "too_long":
            return replace(_with_length(plan, size + self.by), steps=_closed(plan))
        if not size:
            raise NotApplicable("the response has no body")
        return _with_length(plan, max(0, size - self.by))


def _with_length(plan: Plan, length: int) -> Plan:
    return replace(plan, head=plan.head.with_headers(((LENGTH, str(length)),)))


def _closed(plan: Plan) -> Sequence[Step]:
    """Return the steps with a close of the connection after the last one."""
    steps = live_steps(plan)
    if len(steps) < len(plan.steps):
        return plan.steps
    last = closing_bytes(plan)
    return (
        *steps,
        *([RawStep(last, 0)] if last else []),
        CutStep("close", steps[-1].chunk_number if steps else 0),
    )


@fault("bad_headers", "http")
class BadHeaders(Fault):
    """The head has a line that does not belong there."""

    needs_http = True

    form: Literal["malformed", "duplicate"] = Field(
        default="malformed",
        description="`malformed`: a line that is not a header. `duplicate`: a second, different content-type.",
    )
    line: Templated[str] | None = Field(
        default=None, description="The line in the head, in place of the form's own line."
    )

    def apply_to_plan(self, plan: Plan) -> Plan:
        line = LINES[self.form] if self.line is None else self.line
        encoded = " ".join(line.splitlines()).encode() + b"\r\n"
        return replace(
            plan, delivery=replace(plan.delivery, extra_head_lines=plan.delivery.extra_head_lines + encoded)
        )


LINES: Final = {"malformed": "this line is no header", "duplicate": "Content-Type: text/plain"}


@fault("broken_chunking", "http")
class BrokenChunking(Fault):
    """The response is sent in HTTP chunks, and at a place comes an invalid one. The connection is closed after it."""

    needs_http = True

    after: GapPoint = Field(default=MIDDLE, description="Where the invalid chunk comes.")
    form: Literal["no_size", "too_short"] = Field(
        default="no_size",
        description="`no_size`: a word is in the place of the chunk's size. `too_short`: the chunk holds the rest "
        "of the response, and its size is half of that.",
    )

    def apply_to_plan(self, plan: Plan) -> Plan:
        gap = find_gap(plan, self.after)
        if self.form == "no_size":
            invalid = b"no size\r\n"
        else:
            before = replace(plan, steps=(*gap.before, CutStep("end", gap.chunk_number)))
            rest = sent_bytes(plan)[len(sent_bytes(before)) :]
            invalid = b"%x\r\n%b\r\n" % (max(1, len(rest) // 2), rest)
        steps = (
            *gap.before,
            StepOutsideHttpChunks(invalid, gap.chunk_number),
            CutStep("close", gap.chunk_number),
        )
        delivery = replace(plan.delivery, body_end="http_chunks")
        return replace(plan, head=plan.head.without(LENGTH), steps=steps, delivery=delivery)


@fault("truncate", "http")
class Truncate(Fault):
    """The body ends early, and HTTP ends correctly: the length or the last chunk is right."""

    needs_http = True

    after: GapPoint = Field(default=MIDDLE, description="Where the body ends.")

    def apply_to_plan(self, plan: Plan) -> Plan:
        gap = find_gap(plan, self.after)
        return replace(plan, steps=(*gap.before, CutStep("end", gap.chunk_number)))


@fault("bad_gzip", "http")
class BadGzip(Fault):
    """The head declares gzip, and the body cannot be decompressed."""

    needs_http = True

    form: Literal["plain", "truncated", "bad_checksum"] = Field(
        default="plain",
        description="`plain`: the body is not compressed. `truncated`: the second half of the compressed bytes is "
        "missing. `bad_checksum`: only the checksum at the end is wrong.",
    )

    def apply_to_plan(self, plan: Plan) -> Plan:
        coded = replace(plan, head=plan.head.with_headers((("content-encoding", "gzip"),)))
        if self.form == "plain":
            return coded
        steps = tuple(_compressed(plan, valid=self.form != "bad_checksum"))
        steps = tuple(_first_half(steps)) if self.form == "truncated" else steps
        return replace(coded, steps=steps, chunk_texts=())


def _compressed(plan: Plan, *, valid: bool) -> Iterator[Step]:
    """Yield the steps with compressed bytes; a client can decompress each as it comes.

    `valid`: whether the checksum is correct. The checksum comes after a cut, since a `content-length` counts it.
    """
    compressor = zlib.compressobj(wbits=31)
    for step, data in steps_with_bytes(plan):
        if data:
            yield RawStep(
                compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH),
                step.chunk_number,
                attached_to_chunk=belongs_to_chunk(step),
            )
        else:
            yield step
    yield from (step for step in plan.steps if type(step) is CutStep)
    last = compressor.compress(closing_bytes(plan)) + compressor.flush()
    yield RawStep(
        last if valid else last[:-CHECKSUM_SIZE] + bytes(byte ^ 0xFF for byte in last[-CHECKSUM_SIZE:]), 0
    )


CHECKSUM_SIZE: Final = 8
"""Bytes at the end of gzip: checksum and size."""


def _first_half(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield the steps without the second half of their bytes."""
    left = sum(len(step.data) for step in steps if type(step) is RawStep) // 2
    for step in steps:
        if type(step) is not RawStep:
            yield step
        elif left:
            yield replace(step, data=step.data[:left])
            left -= min(left, len(step.data))


@fault("html_page", "http")
class HtmlPage(Fault):
    """An HTML page replaces the response, as proxies and gateways send it. The response's own headers are gone."""

    needs_http = True
    replaces_response = True

    status: Templated[Annotated[int, Field(ge=200, le=599)]] = Field(
        default=502,
        description="The status: 502 as from a gateway, 200 as from a network that requires a login.",
    )
    body: Templated[str] | None = Field(
        default=None, description="The page, in place of one that names the status."
    )
    headers: dict[str, Templated[str]] = Field(default={}, description="Headers besides the content-type.")

    def apply_to_plan(self, plan: Plan) -> Plan:
        page = _page(self.status) if self.body is None else self.body
        return _instead(plan, self.status, {TYPE: HTML, **self.headers}, page.encode())


@fault("redirect", "http")
class Redirect(Fault):
    """The response redirects the client, as a proxy does that requires a login."""

    needs_http = True
    replaces_response = True

    status: Templated[Literal[301, 302, 303, 307, 308]] = Field(
        default=302, description="301, 302, 303, 307 or 308; a client repeats a POST at 307 and 308 only."
    )
    to: Templated[str] = Field(default="/login", description="The target.")

    def apply_to_plan(self, plan: Plan) -> Plan:
        return _instead(plan, self.status, {"location": self.to}, b"")


def _instead(plan: Plan, status: int, headers: Mapping[str, str], body: bytes) -> Plan:
    """Return another response, sent when the original head would be. The delivery does not change."""
    return replace(
        plan,
        head=ResponseHead(status, tuple(headers.items())),
        steps=(EventStep(body, 0, "body"),),
        framing=Framing.PLAIN,
        chunk_texts=(),
    )


def _page(status: int) -> str:
    title = f"{status} {PHRASES[status]}" if status in PHRASES else str(status)
    return (
        f"<!DOCTYPE html>\n<html>\n<head><title>{title}</title></head>\n"
        f"<body><h1>{title}</h1><p>This page is no answer of an API.</p></body>\n</html>\n"
    )
