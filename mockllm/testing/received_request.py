"""A request as a test looks at it afterwards: what was asked, what answered, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from mockllm.core.json.codec import MISSING
from mockllm.core.request.request import Message, Request
from mockllm.engine import PlannedResponse
from mockllm.server.access_log import AccessLog, AccessLogRecord, short

_LINES = AccessLog(lambda line: None)


class Received:
    """A request that came, and its answer. All but `took` and `left` is known before the client hears anything."""

    def __init__(self, request: Request, answer: PlannedResponse, path: str) -> None:
        self.request = request
        """The request as rules see it."""
        self.path = path
        """As on the wire, without a session's prefix and without the query."""
        self.rule = answer.rule
        """The id of the rule that answered, or would have been had the request been valid; None where no rule
        matched."""
        self.modifiers = answer.modifiers
        """The ids of the modifiers that applied."""
        self.status = answer.status
        self.notes = answer.notes
        """What could not be played as planned, or is worth a word: unknown fields, cut texts."""
        self.error = answer.error
        """The neutral name of the error that was answered; None where it was none."""
        self.faults = answer.faults
        """The faults that were played."""
        self.missed = answer.missed
        """Whether no rule answered."""
        self.ended: AccessLogRecord | None = None
        """What is written down when the answer has ended."""
        self._answer = answer

    @property
    def took(self) -> float | None:
        """Seconds from its last byte to the end of its answer; None while that is under way."""
        return None if self.ended is None else self.ended.took

    @property
    def left(self) -> str | None:
        """How its client left: finished, close, reset, silence, gone, stopped; None while the answer is under
        way."""
        return None if self.ended is None else self.ended.left

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def headers(self) -> Mapping[str, str]:
        """Looked up without regard to case."""
        return self.request.headers

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query

    @property
    def body(self) -> Any:
        """The body's JSON; None where there is none, or it cannot be read."""
        body = self.request.body
        return None if body is MISSING else body

    @property
    def raw(self) -> bytes:
        """The body's bytes, unpacked."""
        return self.request.raw

    @property
    def provider(self) -> str | None:
        """The vendor: openai, azure, anthropic …"""
        return self.request.provider

    @property
    def api(self) -> str | None:
        """chat, responses, messages, generate …"""
        return self.request.api

    @property
    def model(self) -> str | None:
        return self.request.model

    @property
    def stream(self) -> bool:
        """Whether a stream was asked for."""
        return self.request.stream

    @property
    def system(self) -> str | None:
        """The system text, the same for every provider."""
        return self.request.system

    @property
    def user(self) -> str | None:
        """The text of the last user message."""
        return self.request.user

    @property
    def messages(self) -> tuple[Message, ...]:
        """All turns in order."""
        return self.request.messages

    @property
    def tools(self) -> tuple[str, ...]:
        """The names of the offered tools."""
        return tuple(tool.name for tool in self.request.tools)

    @property
    def api_key(self) -> str | None:
        """The key, wherever its provider carries it."""
        return self.request.api_key

    @property
    def session(self) -> str | None:
        return self.request.session

    @property
    def at(self) -> float:
        """When it came, in seconds since the epoch."""
        return self.request.now

    @property
    def record(self) -> AccessLogRecord:
        """The same as a line of the log has it."""
        if self.ended is not None:
            return self.ended
        request = self.request
        return AccessLogRecord(
            request.now,
            request.method,
            short(self.path),
            None if request.model is None else short(request.model),
            self.rule,
            self.modifiers,
            self.status,
            max(0.0, time.time() - request.now),
            self.notes,
        )

    @property
    def explanation(self) -> str:
        """What the client was told where no rule answered: the nearest rules, and what differed."""
        if not self.missed:
            return ""
        from mockllm.testing.expectations import Outcome

        return "\n".join(Outcome(self.request, self._answer).message)

    def __str__(self) -> str:
        """The line of the log: `10:12:01 POST /v1/messages claude-x → a.yaml:greeting 200 12ms`."""
        under_way = "  (under way)" if self.ended is None else ""
        return _LINES.line(self.record, self.request) + under_way

    def __repr__(self) -> str:
        return f"<Received {self}>"
