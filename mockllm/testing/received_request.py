"""A received request for the assertions of a test: its content, the selected rule and the result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from mockllm.core.json.codec import MISSING, Json
from mockllm.core.redaction import Redactor, secrets_of
from mockllm.core.request.body_secrets import body_secrets
from mockllm.core.request.request import Message
from mockllm.engine import PlannedResponse
from mockllm.engine.engine_request import EngineRequest
from mockllm.server.access_log import AccessLog, AccessLogRecord, shortened_for_line

if TYPE_CHECKING:
    from mockllm.testing.rule_stack import RuleStack

_LINES = AccessLog(lambda line: None)


class Received:
    """A received request and its response. All values but `took` and `left` are set before the response is sent."""

    def __init__(
        self, request: EngineRequest, response: PlannedResponse, path: str, stack: RuleStack
    ) -> None:
        self.request = request
        """The request in the form that rules match."""
        self.path = path
        """As on the wire, without a session's prefix and without the query."""
        self._stack = stack
        self.rule = response.responder_id
        """The id of the selected rule, also for an invalid request; None if no rule matched."""
        self.modifiers = response.modifiers
        """The ids of the modifiers that applied."""
        self.status = response.status
        self.notes = response.notes
        """Notes: faults that could not apply, unknown fields, cut texts."""
        self.error = response.error
        """The neutral name of the error in the response; None without an error."""
        self.faults = response.faults
        """The faults that were applied."""
        self.missed = response.unmatched
        """Whether the request is unmatched."""
        self.ended: AccessLogRecord | None = None
        """The access log record; None until the response has ended."""
        self._response = response

    @property
    def took(self) -> float | None:
        """Seconds from its last byte to the end of its response; None while that is in flight."""
        return None if self.ended is None else self.ended.duration

    @property
    def left(self) -> str | None:
        """How the response ended: finished, close, reset, silence, gone, stopped; None while it is in flight."""
        return None if self.ended is None else self.ended.end_reason

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, with case-insensitive names."""
        return self.request.headers

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query

    @property
    def body(self) -> Json:
        """The body's JSON; None without a body or for invalid JSON."""
        body = self.request.body
        return None if body is MISSING else body

    @property
    def raw(self) -> bytes:
        """The body's bytes, decompressed."""
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
        """Whether the client requests a stream."""
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
        """All messages in order."""
        return self.request.messages

    @property
    def tools(self) -> tuple[str, ...]:
        """The names of the offered tools."""
        return tuple(tool.name for tool in self.request.tools)

    @property
    def api_key(self) -> str | None:
        """The API key, from the header or parameter of its provider."""
        return self.request.api_key

    @property
    def session(self) -> str | None:
        return self.request.session

    @property
    def at(self) -> float:
        """When the server began to serve the request, in seconds since the epoch."""
        return self.request.now

    @property
    def record(self) -> AccessLogRecord:
        """The access log record of the request."""
        if self.ended is not None:
            return self.ended
        now, model, redactor = self.request.now, self.request.model, self._redactor
        model = None if model is None else shortened_for_line(redactor.text(model))
        took = max(0.0, time.time() - now)
        head = (
            now,
            redactor.text(self.request.method),
            shortened_for_line(redactor.target(self.path)),
            model,
        )
        notes = tuple(map(redactor.text, self.notes))
        return AccessLogRecord(*head, self.rule, self.modifiers, self.status, took, notes)

    @cached_property
    def _redactor(self) -> Redactor:
        """Masks the secrets of the request in texts for a report, which CI may publish."""
        headers, target = self.request.headers, f"?{self.request.query_string}"
        return Redactor(secrets_of(headers.items(), target)).with_secrets(
            body_secrets(headers.get("content-type", ""), self.raw)
        )

    @property
    def explanation(self) -> str:
        """The message for an unmatched request: the nearest rules and the differences, without secrets; else
        empty."""
        if not self.missed:
            return ""
        from mockllm.testing.expectations import Outcome

        return "\n".join(map(self._redactor.text, Outcome(self.request, self._response).message))

    def __str__(self) -> str:
        """Return the line of the access log: `10:12:01 POST /v1/messages claude-x → a.yaml:greeting 200 12ms`."""
        suffix = "  (in flight)" if self.ended is None else ""
        return _LINES.line(self.record, self.request) + suffix

    def __repr__(self) -> str:
        return f"<Received {self}>"


def rule_key_of(received: Received) -> str | None:
    """Return the key of the rule that responded: two rules may have the same id."""
    return received._response.responder_key


def is_from_stack(received: Received, stack: RuleStack) -> bool:
    """Return whether the rules of this server or session responded."""
    return received._stack is stack


def mask_secrets(received: Received, text: str) -> str:
    """Return a text about a request for a report, without the request's secrets."""
    return received._redactor.text(text)
