"""The table of verdicts: for each one the rule of good behaviour, its source, and the evidence that it needs.

A new verdict is a row here and a function that yields its evidence. A test compares docs/verdicts.md with this table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from mockllm.core.verdicts import cache_checks, mcp_server_checks, retry_checks, stream_checks
from mockllm.core.verdicts.client_history import ClientHistory, Evidence
from mockllm.core.verdicts.observed_request import ObservedRequest


class VerdictType(Struct, frozen=True):
    """A kind of verdict. `rule` is the rule of good behaviour in a sentence, `source` where the rule comes from.
    `needs` describes the evidence that the verdict needs, which `find` yields."""

    name: str
    good: bool
    rule: str
    source: str
    needs: str
    find: Callable[[ClientHistory], Iterator[Evidence]]

    @property
    def rule_with_source(self) -> str:
        return f"{self.rule} ({self.source})"


class VerdictResult(Struct, frozen=True):
    """A verdict on a client with its evidence, the earliest first."""

    verdict: VerdictType
    evidence: tuple[Evidence, ...]

    @property
    def message(self) -> str:
        """The first item of the evidence, and the number of further ones."""
        more = len(self.evidence) - 1
        return self.evidence[0].message + (f"; and {more} more" if more else "")

    @property
    def requests(self) -> list[ObservedRequest]:
        """The requests that show the verdict, each once, by id."""
        by_id = {observed.id: observed for item in self.evidence for observed in item.requests}
        return [by_id[id] for id in sorted(by_id)]


SDKS: Final = "as OpenAI's and Anthropic's SDKs do by default"
_TYPES: Final = (
    VerdictType(
        "retry_after_ignored",
        False,
        "A client waits for as long as a refusal requests before it retries.",
        "RFC 9110, section 10.2.3, Retry-After; google.rpc.RetryInfo",
        "a refusal that requests a wait (`retry-after`, `retry-after-ms`, `RetryInfo` in the body), and the same "
        "request again before nine tenths of the wait are over",
        retry_checks.retry_after_ignored,
    ),
    VerdictType(
        "retried_non_retryable",
        False,
        "A client does not repeat a request that was refused permanently.",
        "RFC 9110, section 15.5; " + SDKS,
        "a 4xx other than 408, 409, 425 and 429, or `x-should-retry: false`, and the same request again; not where "
        "no rule matched, and now one does",
        retry_checks.retried_non_retryable,
    ),
    VerdictType(
        "no_backoff",
        False,
        "A client waits between retries, longer each time.",
        "OpenAI's and Google's documentation of rate limits: exponential backoff",
        "two retries in a row within 100 ms of the failure before each, or four in a row at even intervals below "
        "5 s. A retry after the wait that the response requested does not count",
        retry_checks.no_backoff,
    ),
    VerdictType(
        "retry_storm",
        False,
        "A client retries a request a few times, not over and over.",
        "Google, Site Reliability Engineering, Handling Overload: a budget of retries",
        "ten retries of one request within 10 s; a retry after the wait that the response requested does not count",
        retry_checks.retry_storm,
    ),
    VerdictType(
        "gave_up",
        False,
        "A client retries a temporary failure at least twice.",
        SDKS,
        "fewer than three tries, of which the last is 408, 409, 425, 429 or 5xx, or a connection that broke before "
        "the response's first byte. There is no verdict where the requested wait is more than a minute, the credit "
        "is used up, or the response has `x-should-retry: false`. Nor is there one where the client sent the same "
        "prompt to another model or provider",
        retry_checks.gave_up,
    ),
    VerdictType(
        "truncated_stream_accepted",
        False,
        "A stream that ends without a finish reason is not a complete response.",
        "RFC 9112, section 8, incomplete messages; the finish or stop reason of each provider's API",
        "a stream that was cut, and a later request of the same conversation. That request has exactly the cut text "
        "as the assistant's message, followed by further messages",
        stream_checks.truncated_stream_accepted,
    ),
    VerdictType(
        "no_read_timeout",
        False,
        "A client does not wait for ever for the next byte.",
        "two minutes in a stream; ten for a non-streaming response, " + SDKS,
        "a silence of 120 s in a stream (600 s in a non-streaming response) without a disconnect of the client. "
        "Or a fault `silence`, `stall` or `no_response` without a disconnect, where a header of the client states a "
        "longer timeout than that. The header is `x-stainless-read-timeout`, `x-stainless-timeout` or "
        "`x-server-timeout`",
        stream_checks.no_read_timeout,
    ),
    VerdictType(
        "cancelled_early",
        False,
        "A client reads a response to its end: unread tokens are billed, too.",
        "the providers bill the tokens that were generated",
        "a stream without a fault that the client left between two chunks, with no retry afterwards",
        stream_checks.cancelled_early,
    ),
    VerdictType(
        "cache_lost",
        False,
        "A client leaves the beginning of a conversation as it was, so that the provider's prompt cache has it.",
        "the providers' documentation of prompt caches",
        "two requests with the same model and the same first user message, the second one while the first is cached. "
        "The second changes a tool, the system text or an earlier message, and 1,024 tokens or more that were cached "
        "come after the change",
        cache_checks.cache_lost,
    ),
    VerdictType(
        "not_initialized",
        False,
        "A client of an MCP server begins with the handshake: initialize, then notifications/initialized.",
        "Model Context Protocol, lifecycle, versions before 2026-07-28",
        "a message to a server other than initialize, ping and server/discover, before the client's first "
        "`notifications/initialized` to that server. The version of the message has a handshake",
        mcp_server_checks.not_initialized,
    ),
    VerdictType(
        "version_header_missing",
        False,
        "A client of an MCP server names the version that they agreed on in each message.",
        "Model Context Protocol, transports, MCP-Protocol-Version, from 2025-06-18 on",
        "an initialize that agreed on 2025-06-18 or newer, and a later message over HTTP without the header",
        mcp_server_checks.version_header_missing,
    ),
    VerdictType(
        "unlisted_tool_called",
        False,
        "A client calls only the tools that an MCP server lists.",
        "Model Context Protocol, tools, tools/list",
        "a whole list of tools (all its pages), and a later call of a tool that is not on it",
        mcp_server_checks.unlisted_tool_called,
    ),
    VerdictType(
        "tool_error_repeated",
        False,
        "A client reads why a tool failed before it calls the tool again.",
        "Model Context Protocol, tools, error handling: the model sees `isError` and corrects itself",
        "a result with `isError`, or the error -32602, and the same call twice more in a row with the same end",
        mcp_server_checks.tool_error_repeated,
    ),
    VerdictType(
        "list_change_ignored",
        False,
        "A client requests the list of tools again when an MCP server says that it changed.",
        "Model Context Protocol, tools, notifications/tools/list_changed",
        "`notifications/tools/list_changed` in the response to a POST, and two later calls of tools without "
        "`tools/list` in between",
        mcp_server_checks.list_change_ignored,
    ),
    VerdictType(
        "recovered",
        True,
        "A temporary failure does not reach the user.",
        SDKS,
        "a failure that a retry may mend, and the same request again with a complete response",
        retry_checks.recovered,
    ),
)
VERDICTS: Final[dict[str, VerdictType]] = {verdict.name: verdict for verdict in _TYPES}
