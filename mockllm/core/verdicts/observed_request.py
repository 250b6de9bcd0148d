"""One request and what became of it, as far as it tells how its client behaves.

Apart from the server's journal, so that a judge needs no server. What costs time is read when it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from mockllm.core.display import cut
from mockllm.core.lazy import lazy
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.framing import written
from mockllm.core.rendering.gzip import ENCODING, unpacked
from mockllm.core.rendering.plan import Plan, RawStep
from mockllm.core.request.request import Request
from mockllm.core.request.request_hash import looked_up
from mockllm.core.verdicts.client import Client
from mockllm.core.verdicts.delivery_timing import DeliveryTiming, delivery_timing
from mockllm.core.verdicts.retry_after import requested_wait, words

RETRY: Final = "x-stainless-retry-count"
"""Where OpenAI's and Anthropic's SDKs tell which try it is, from 0."""
PATIENCE: Final = ("x-stainless-read-timeout", "x-stainless-timeout", "x-server-timeout")
"""Where SDKs tell for how many seconds they wait for the next byte, or for all; the last one is Google's."""
SHOULD: Final = "x-should-retry"
"""Where a server tells OpenAI's and Anthropic's SDKs whether to try again; it is obeyed before the status."""
PASSING: Final = frozenset({408, 409, 425, 429})
"""Refusals that may pass by themselves: 408, 409 and 429 as OpenAI's and Anthropic's SDKs have it, 425 by RFC
8470. So may every 5xx."""
SPOILING: Final = frozenset(
    {
        "truncate",
        "broken_chunking",
        "bad_gzip",
        "content_length",
        "html_page",
        "malformed",
        "cut_event",
        "no_terminator",
        "no_finish",
        "error_event",
        "empty_answer",
        "bad_tool_arguments",
        "unknown_tool",
        "wrong_schema",
    }
)
"""Faults for which a client may well ask again though its answer came to its end."""
PENNILESS: Final = "insufficient_quota"
"""What OpenAI's 429 says where money has run out, and what scenarios call it."""
LEFT: Final = frozenset({"gone", "silence"})
"""The client went of its own."""


class ObservedRequest:
    """`id` names the request. `begun` is when its last byte had come, `ended` when its answer had ended, on one
    clock for all, in seconds; `ended` and `left` (as the journal tells it) are None while it is under way. `at` is
    the same as `begun` in seconds since the epoch. `error` is the neutral name of the error that was answered.
    `read` and `plan` give the request and the answer; `hear` tells what a stream said that never said why it
    ended, and None of any other."""

    def __init__(
        self,
        id: int,
        client: Client,
        session: str | None,
        *,
        at: float,
        begun: float,
        ended: float | None,
        left: str | None,
        status: int,
        error: str | None = None,
        faults: tuple[str, ...] = (),
        read: Callable[[], Request],
        plan: Callable[[], Plan],
        hear: Callable[[Request, Plan], str | None],
    ) -> None:
        self.id = id
        self.client = client
        self.session = session
        self.at = at
        self.begun = begun
        self.ended = ended
        self.left = left
        self.status = status
        self.error = error
        self.faults = frozenset(faults)
        self._read = read
        self._plan = plan
        self._hear = hear

    @lazy
    def request(self) -> Request:
        return self._read()

    @lazy
    def plan(self) -> Plan:
        """The answer, unpacked where it left packed."""
        return plain(self._plan())

    # --- what was asked -------------------------------------------------------------------------

    @lazy
    def asked(self) -> str:
        """The same for two requests that ask for the same."""
        return looked_up(self.request)

    @lazy
    def retry(self) -> int | None:
        """Which retry of its SDK it is, by its own word."""
        told = self.request.headers.get(RETRY, "")
        return int(told) if told.isascii() and told.isdecimal() and len(told) < 10 else None

    @lazy
    def read_timeout(self) -> float | None:
        """For how many seconds it waits for a byte at most, by its own word."""
        for name in PATIENCE:
            try:
                return float(self.request.headers.get(name, ""))
            except ValueError:
                continue
        return None

    # --- what became of it ----------------------------------------------------------------------

    @lazy
    def wait(self) -> float | None:
        """How many seconds its refusal asks to wait."""
        if self.status < 400:
            return None
        sent_at = self.at + (0.0 if self.ended is None else self.ended - self.begun)
        return requested_wait(self.plan.head.headers, sent_bytes(self.plan), sent_at)

    @lazy
    def for_good(self) -> bool:
        """Whether it was refused in a way that no other try will mend."""
        if self.status < 400:
            return False
        headers = {name.lower(): value for name, value in self.plan.head.headers}
        match headers.get(SHOULD):
            case "true":
                return False
            case "false":
                return True
        return self.status < 500 and self.status not in PASSING

    @property
    def failed(self) -> bool:
        """Whether its client did not get what it asked for."""
        return self.ended is not None and (
            self.status >= 400 or self.broken or self.left in LEFT or not SPOILING.isdisjoint(self.faults)
        )

    @property
    def broken(self) -> bool:
        """Whether the server broke its answer off."""
        return self.left in ("close", "reset") and self.plan.delivery.body != "close"

    @property
    def out_of_credit(self) -> bool:
        """Whether it was refused because money has run out."""
        return self.error == PENNILESS or (self.status == 429 and PENNILESS.encode() in sent_bytes(self.plan))

    @property
    def may_pass(self) -> bool:
        """Whether it failed by the server, in a way that another try may mend."""
        return self.failed and not self.for_good and (self.status >= 400 or self.broken)

    @lazy
    def unanswered(self) -> bool:
        """Whether it was broken off before anything had come."""
        return self.broken and (self.duration is None or not self.duration.began)

    @property
    def duration(self) -> DeliveryTiming | None:
        """How its answer went by time; None while it is under way, or where that cannot be told."""
        return None if self.ended is None else self.went(self.ended)

    def went(self, until: float) -> DeliveryTiming | None:
        """The same, up to then."""
        return delivery_timing(self.plan, until - self.begun, finished=self.left == "finished")

    @lazy
    def cut_text(self) -> str | None:
        """What its stream had said when it ended without saying why; None of any other."""
        short = self.broken or self.left == "silence" or not SPOILING.isdisjoint(self.faults)
        return self._hear(self.request, self.plan) if short and self.status < 400 else None

    def __str__(self) -> str:
        """`#12 POST /v1/chat/completions gpt-4o 429, asked to wait 1s`."""
        request = self.request
        said = f"#{self.id} {request.method} {cut(request.path)} {cut(request.model or '-')} {self.status}"
        if self.wait is not None:
            said += f", asked to wait {words(self.wait)}"
        if self.left not in (None, "finished"):
            said += f", {self.left}"
        return "".join(mark if mark.isprintable() else "?" for mark in said)


def plain(plan: Plan) -> Plan:
    """The answer as a client reads it that unpacks what comes."""
    coding = {name.lower(): value for name, value in plan.head.headers}.get(ENCODING)
    if coding is None:
        return plan
    pairs = list(written(plan))
    frames = unpacked(coding, [data for _, data in pairs])
    if frames is None:
        return plan
    steps = [
        RawStep(said, step.chunk_index) if data else step
        for (step, data), said in zip(pairs, frames, strict=True)
    ]
    return replace(plan, steps=(*steps, *plan.steps[len(pairs) :]))
