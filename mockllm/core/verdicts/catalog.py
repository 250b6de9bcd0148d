"""The table of verdicts: what may be said of a client, the rule of conduct behind it, and what must be seen.

A new one is a row here and a function that finds its cases. The page docs/verdicts.md is held against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from mockllm.core.verdicts import retry_checks, stream_checks
from mockllm.core.verdicts.client_history import ClientHistory, Evidence
from mockllm.core.verdicts.observed_request import ObservedRequest


class VerdictType(Struct, frozen=True):
    """`rule` is the rule of conduct in a sentence, `source` who says so; `needs` what must be seen before the
    verdict is given."""

    name: str
    good: bool
    rule: str
    source: str
    needs: str
    finds: Callable[[ClientHistory], Iterator[Evidence]]

    @property
    def rule_of_conduct(self) -> str:
        """The rule with its source."""
        return f"{self.rule} ({self.source})"


class VerdictResult(Struct, frozen=True):
    """A verdict on a client, with its cases, the earliest first."""

    verdict: VerdictType
    instances: tuple[Evidence, ...]

    @property
    def says(self) -> str:
        """The first case, and how many others there are."""
        more = len(self.instances) - 1
        return self.instances[0].says + (f"; and {more} more of these" if more else "")

    @property
    def deeds(self) -> list[ObservedRequest]:
        """The requests that show it, each once, in their order."""
        shown = {deed.id: deed for each in self.instances for deed in each.deeds}
        return [shown[id] for id in sorted(shown)]


SDKS: Final = "as OpenAI's and Anthropic's SDKs do by default"
_ROWS: Final = (
    VerdictType(
        "retry_after_ignored",
        False,
        "Who is told when to come again waits for that long.",
        "RFC 9110, section 10.2.3, Retry-After; google.rpc.RetryInfo",
        "a refusal that told a wait (`retry-after`, `retry-after-ms`, or `RetryInfo` in the body), and the same "
        "request again before nine tenths of it were over",
        retry_checks.retry_after_ignored,
    ),
    VerdictType(
        "retried_non_retryable",
        False,
        "What was refused for what it is, is not sent again as it is.",
        "RFC 9110, section 15.5; " + SDKS,
        "a 4xx other than 408, 409, 425 and 429, or `x-should-retry: false`, and the same request again",
        retry_checks.retried_non_retryable,
    ),
    VerdictType(
        "no_backoff",
        False,
        "Between tries a client waits, and longer each time.",
        "OpenAI's and Google's documentation of rate limits: exponential backoff",
        "two retries in a row within 100 ms of the failure before each, or four in a row at even distances below "
        "5 s; retries that came when the answer had told them to are not counted",
        retry_checks.no_backoff,
    ),
    VerdictType(
        "retry_storm",
        False,
        "A request is tried a few times, not over and over.",
        "Google, Site Reliability Engineering, Handling Overload: a budget of retries",
        "ten retries of one request within 10 s, those not counted that came when the answer had told them to",
        retry_checks.retry_storm,
    ),
    VerdictType(
        "gave_up",
        False,
        "What may pass by itself is tried again, twice at least.",
        SDKS,
        "a 408, 409, 425, 429 or 5xx, or a connection that broke before any answer, as the last of fewer than three "
        "tries; not where more than a minute was to be waited, money has run out, `x-should-retry: false` was "
        "said, or another model or provider was asked the same",
        retry_checks.gave_up,
    ),
    VerdictType(
        "truncated_stream_accepted",
        False,
        "A stream that ends without a finish reason is no answer.",
        "RFC 9112, section 8, incomplete messages; the finish or stop reason of each provider's API",
        "a stream that was cut, and a later request of the same conversation that has exactly the cut text as the "
        "assistant's, and goes on behind it",
        stream_checks.truncated_stream_accepted,
    ),
    VerdictType(
        "no_read_timeout",
        False,
        "A client does not wait for ever for the next byte.",
        "two minutes in a stream; ten for a whole answer, " + SDKS,
        "a silence of 120 s in a stream (600 s for a whole answer) that the client sat through; or a fault "
        "`silence`, `stall` or `no_response` that it sat through while it says itself (`x-stainless-read-timeout`, "
        "`x-stainless-timeout`, `x-server-timeout`) that it waits for longer than that",
        stream_checks.no_read_timeout,
    ),
    VerdictType(
        "cancelled_early",
        False,
        "An answer that was asked for is read to its end: what is left unread is paid for.",
        "the providers bill the tokens that were made",
        "a stream that the client left while pieces of it came and more were to come, with no fault in it, and not "
        "asked for again",
        stream_checks.cancelled_early,
    ),
    VerdictType(
        "recovered",
        True,
        "A failure that passes by itself is no failure for the user.",
        SDKS,
        "a failure that another try may mend, and the same request again with a whole answer",
        retry_checks.recovered,
    ),
)
VERDICTS: Final[dict[str, VerdictType]] = {verdict.name: verdict for verdict in _ROWS}
