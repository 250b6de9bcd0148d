"""One request with its outcome, as far as it shows how its client behaves.

Separate from the server's journal, so that an evaluation needs no server. Expensive properties are computed on
first use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.display import shortened
from mockllm.core.prompt_cache.form import PromptForm
from mockllm.core.prompt_cache.lookup import CacheLookupResult
from mockllm.core.prompt_cache.prefix import PromptPrefixes
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.framing import steps_with_bytes
from mockllm.core.rendering.gzip import ENCODING, decompressed_frames
from mockllm.core.rendering.plan import Plan, RawStep, WaitStep
from mockllm.core.request.request import Request
from mockllm.core.request.request_keys import hash_of
from mockllm.core.time_scale import reported_time_scale
from mockllm.core.verdicts.retry_after import NO_UNITS, format_seconds, requested_wait

RETRY_COUNT: Final = "x-stainless-retry-count"
"""The header in which OpenAI's and Anthropic's SDKs count their retries, from 0."""
TIMEOUTS: Final = ("x-stainless-read-timeout", "x-stainless-timeout", "x-server-timeout")
"""The headers in which SDKs state their timeout for the next byte, or for the response, in seconds. The last one is
Google's."""
SHOULD_RETRY: Final = "x-should-retry"
"""The header in which a server allows or forbids a retry. OpenAI's and Anthropic's SDKs obey it before the status."""
TEMPORARY: Final = frozenset({408, 409, 425, 429})
"""Temporary refusals: 408, 409 and 429 as in OpenAI's and Anthropic's SDKs, 425 by RFC 8470. Every 5xx is temporary,
too."""
SPOILING_FAULTS: Final = frozenset((
    "truncate", "broken_chunking", "bad_gzip", "content_length", "html_page", "malformed", "cut_event",
    "no_terminator", "no_finish", "error_event", "empty_answer", "bad_tool_arguments", "unknown_tool",
    "wrong_schema", "bad_headers", "bad_checksum", "event_names", "merged_events", "no_space", "comment_flood",
))  # fmt: skip
"""Faults that spoil a response which ends normally, so that a client notices it: a retry is reasonable after them. At
the last six an SDK raises an error or gets no text (the outcomes in docs/faults.md; botocore at `bad_checksum`). No
client notices a lost or repeated chunk: such faults, as `drop` and `duplicate`, are not in it."""
OUT_OF_CREDIT: Final = "insufficient_quota"
"""The error of OpenAI's 429 where the credit is used up; scenarios use the same name."""
CLIENT_LEFT: Final = frozenset({"gone", "silence"})
"""The endings at which the client closed the connection, or a batch's line had no end."""
_MAX_AGENT_LENGTH: Final = 80


class Client(NamedTuple):
    """A client as far as a server can recognize it: two programs that share all three fields are one client.
    `agent` is its `user-agent`, `key` the hash of its API key, `address` has no port. A missing field is empty."""

    agent: str = ""
    key: str = ""
    address: str = ""

    def __str__(self) -> str:
        """`OpenAI/Python 2.8.0, key 3fa9c2d1e07b, 127.0.0.1`, in printable characters."""
        agent = _printable(shortened(self.agent, _MAX_AGENT_LENGTH))
        key = f"key {self.key}" if self.key else ""
        return ", ".join(part for part in (agent, key, self.address) if part) or "unknown"

    def is_called(self, name: str) -> bool:
        """Return whether a name means this client: its full text, or one of the three fields."""
        return bool(name) and name in (str(self), *self)


class DeliveryTiming(NamedTuple):
    """The timing of a response up to a moment, in seconds. `began`: a byte was due. `last` is the silence at the
    end, `before` the longest silence before it. `sent` of `total` chunks were due."""

    began: bool
    last: float
    before: float
    sent: int
    total: int

    @property
    def longest(self) -> float:
        return max(self.last, self.before)


class ObservedPrompt(NamedTuple):
    """A prompt with its prefixes, and what it writes to an empty cache."""

    form: PromptForm
    prefixes: PromptPrefixes
    found: CacheLookupResult


class ObservedRequest:
    """One request of a client with its outcome.

    `started` is when the server began to serve the request (where it held the response: when it released it). `ended`
    is when the response ended. Both are in seconds on one clock for all requests; the attributes have them in the
    scenario's time, divided by `time_scale`. `ended` and `end_reason` (the ending as in the journal) are None while
    the response is in flight. `at` is when the server began to serve the request, in seconds since the epoch.
    `error` is the neutral name of the error in the response. `read` and `plan` return the request and its response.
    `unfinished_text` returns the text of a stream without a finish reason, and None for any other response. `prompt`
    returns what a prompt cache has of a request; it is None where the request is too short for one.
    `is_for_mcp_server`: the request goes to an MCP server. `unmatched`: neither a rule nor the dialect responded.
    `wait_headers`: the provider's own headers with a wait, with the seconds in a unit of each.
    """

    def __init__(
        self,
        id: int,
        client: Client,
        session: str | None,
        *,
        at: float,
        started: float,
        ended: float | None,
        end_reason: str | None,
        status: int,
        error: str | None = None,
        faults: tuple[str, ...] = (),
        read: Callable[[], Request],
        plan: Callable[[], Plan],
        unfinished_text: Callable[[Request, Plan], str | None],
        time_scale: float = 1.0,
        prompt: Callable[[Request], ObservedPrompt | None] | None = None,
        is_for_mcp_server: bool = False,
        unmatched: bool = False,
        wait_headers: Mapping[str, float] = NO_UNITS,
    ) -> None:
        self.id = id
        self.is_for_mcp_server = is_for_mcp_server
        self.unmatched = unmatched
        self.client = client
        self.session = session
        self.at = at
        self.time_scale = time_scale
        self.started = started / time_scale
        self.ended = None if ended is None else ended / time_scale
        self.end_reason = end_reason
        self.status = status
        self.error = error
        self.faults = frozenset(faults)
        self._read = read
        self._plan = plan
        self._unfinished_text = unfinished_text
        self._prompt = prompt
        self._wait_headers = wait_headers

    @cached_property
    def request(self) -> Request:
        return self._read()

    @cached_property
    def plan(self) -> Plan:
        """The response, decompressed where it was sent compressed."""
        return decompressed(self._plan())

    @cached_property
    def prompt(self) -> ObservedPrompt | None:
        """The prompt, if its provider caches it."""
        return None if self._prompt is None else self._prompt(self.request)

    @cached_property
    def hash(self) -> str:
        """The request's hash: equal for a request and its retries."""
        return hash_of(self.request)

    @cached_property
    def retry(self) -> int | None:
        """The number of the retry, as the SDK's own header counts it."""
        text = self.request.headers.get(RETRY_COUNT, "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None

    @cached_property
    def read_timeout(self) -> float | None:
        """The longest wait for a byte in seconds, as the SDK's own header states it."""
        for name in TIMEOUTS:
            try:
                return float(self.request.headers.get(name, "")) / self.client_scale
            except ValueError:
                continue
        return None

    @property
    def leniency(self) -> float:
        """Seconds of the scenario in a second, at least 1: the time that a client itself needs is not scaled."""
        return max(1.0, 1 / self.client_scale)

    @cached_property
    def client_scale(self) -> float:
        """The factor between the client's clock and the scenario's."""
        return (
            self.time_scale
            if self.time_scale == 1.0
            else reported_time_scale(self.request.headers, self.time_scale)
        )

    @cached_property
    def wait(self) -> float | None:
        """The wait that a refusal requests, in seconds."""
        if self.status < 400:
            return None
        sent_at = self.at + (0.0 if self.ended is None else (self.ended - self.started) * self.time_scale)
        wait = requested_wait(self.plan.head.headers, sent_bytes(self.plan), sent_at, self._wait_headers)
        return None if wait is None else wait / self.client_scale

    @cached_property
    def refused_permanently(self) -> bool:
        """Whether the request was refused, and no retry can succeed."""
        if self.status < 400:
            return False
        headers = {name.lower(): value for name, value in self.plan.head.headers}
        match headers.get(SHOULD_RETRY):
            case "true":
                return False
            case "false":
                return True
        return self.status < 500 and self.status not in TEMPORARY

    @property
    def failed(self) -> bool:
        """Whether the client did not get a complete response."""
        return self.ended is not None and (
            self.status >= 400
            or self.broken
            or self.end_reason in CLIENT_LEFT
            or not SPOILING_FAULTS.isdisjoint(self.faults)
        )

    @property
    def broken(self) -> bool:
        """Whether the server broke off the response."""
        return self.end_reason in ("close", "reset") and self.plan.delivery.body_end != "connection_end"

    @property
    def out_of_credit(self) -> bool:
        """Whether the request was refused because the credit is used up."""
        return self.error == OUT_OF_CREDIT or (
            self.status == 429 and OUT_OF_CREDIT.encode() in sent_bytes(self.plan)
        )

    @property
    def retryable(self) -> bool:
        """Whether the server caused the failure, and a retry may succeed."""
        return self.failed and not self.refused_permanently and (self.status >= 400 or self.broken)

    @cached_property
    def without_response(self) -> bool:
        """Whether the server broke off the response before its first byte."""
        return self.broken and (self.timing is None or not self.timing.began)

    @property
    def timing(self) -> DeliveryTiming | None:
        """The timing of the response; None while it is in flight, or where it is unknown."""
        return None if self.ended is None else self.timing_until(self.ended)

    def timing_until(self, moment: float) -> DeliveryTiming | None:
        """Return the timing of the response up to a moment."""
        return delivery_timing(self.plan, moment - self.started, finished=self.end_reason == "finished")

    @cached_property
    def cut_text(self) -> str | None:
        """The text of a stream that ended without a finish reason; None for any other response."""
        incomplete = (
            self.broken or self.end_reason == "silence" or not SPOILING_FAULTS.isdisjoint(self.faults)
        )
        return self._unfinished_text(self.request, self.plan) if incomplete and self.status < 400 else None

    def __str__(self) -> str:
        """`#12 POST /v1/chat/completions gpt-4o 429, retry after 1s`."""
        request = self.request
        path, model = shortened(request.path), shortened(request.model or "-")
        text = f"#{self.id} {request.method} {path} {model} {self.status}"
        if self.wait is not None:
            text += f", retry after {format_seconds(self.wait)}"
        if self.end_reason not in (None, "finished"):
            text += f", {self.end_reason}"
        return _printable(text)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def decompressed(plan: Plan) -> Plan:
    """Return the response as a client reads it that decompresses bodies."""
    coding = {name.lower(): value for name, value in plan.head.headers}.get(ENCODING)
    if coding is None:
        return plan
    pairs = list(steps_with_bytes(plan))
    frames = decompressed_frames(coding, [data for _, data in pairs])
    if frames is None:
        return plan
    steps = [
        RawStep(frame, step.chunk_number) if data else step
        for (step, data), frame in zip(pairs, frames, strict=True)
    ]
    return replace(plan, steps=(*steps, *plan.steps[len(pairs) :]))


def delivery_timing(plan: Plan, elapsed: float, *, finished: bool) -> DeliveryTiming | None:
    """Return the timing of a response after `elapsed` seconds. `finished`: the last byte was sent.

    The timing follows from the plan, which is played by absolute deadlines. A response that is sent in small parts
    (`bandwidth`, `drip`, `slow_headers`) has no known timing: the result is None.
    """
    if plan.delivery.throttles or plan.delivery.head_seconds:
        return None
    due, last, longest = plan.delay, 0.0, 0.0
    sent = total = 0
    began = False
    if due <= elapsed and not plan.delivery.sends_nothing:
        began, longest, last = True, due, due
    for step, data in steps_with_bytes(plan):
        if type(step) is WaitStep:
            due += step.seconds
        elif data:
            total = max(total, step.chunk_number)
            if due <= elapsed:
                began, sent = True, max(sent, step.chunk_number)
                longest, last = max(longest, due - last), due
    return DeliveryTiming(began, 0.0 if finished else max(0.0, elapsed - last), longest, sent, total)
