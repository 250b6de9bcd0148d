"""OpenAI's refusals by a rate limit: the bound, with its real numbers, in the recorded wording.

The module is separate from the table of named errors. The `rate_limit` error of the table has fixed numbers,
because no limit is configured.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import NEVER, Failure
from mockllm.core.limits.limit import Gauge, LimitResult, LimitStatus
from mockllm.dialects.openai.headers import LIMITS, go_duration, limits

_PER: Final = {60.0: ("per min", "PM"), 86400.0: ("per day", "PD")}
_LEARN_MORE: Final = "Visit https://platform.openai.com/account/rate-limits to learn more."


def refused(verdict: LimitResult, status: LimitStatus, tokens: int, model: str | None, now: float) -> Failure:
    """Return the failure of a request of `tokens` tokens. A bound that the limit does not have is reported as
    unused."""
    bound = "tokens" if verdict.by == "tokens" else "requests"
    gauge: Gauge | None = None if verdict.by == "concurrent" else getattr(status, bound)
    requested = tokens if bound == "tokens" else 1
    if gauge is None:
        suffix = " on requests under way" if verdict.by == "concurrent" else ""
        message = f"Rate limit reached for {model} in organization org-mockllm{suffix}."
    else:
        span, letters = _PER.get(gauge.window, (f"per {go_duration(gauge.window)}", ""))
        short = f" ({bound[0].upper()}{letters})" if letters else ""
        subject = f"{model} in organization org-mockllm on {bound} {span}{short}: Limit {gauge.limit}"
        if verdict.retry_after is None:
            message = (
                f"Request too large for {subject}, Requested {requested}. The input or output tokens must be "
                "reduced in order to run successfully."
            )
        else:
            used = gauge.limit - gauge.remaining
            message = f"Rate limit reached for {subject}, Used {used}, Requested {requested}."
    if verdict.retry_after is not None:
        message += f" Please try again in {go_duration(verdict.retry_after)}."
    headers = {**dict(LIMITS), **dict(limits(status, now)), **_exhausted_headers(verdict, status)}
    return Failure(
        "rate_limit",
        message=f"{message} {_LEARN_MORE}",
        retry_after=NEVER if verdict.retry_after is None else verdict.retry_after,
        fields={"type": bound},
        headers=tuple(headers.items()),
    )


def _exhausted_headers(verdict: LimitResult, status: LimitStatus) -> dict[str, str]:
    """Return zero remaining requests and the reset time, where the limit refuses requests but counts none."""
    if verdict.by != "requests" or status.requests is not None or verdict.retry_after is None:
        return {}
    reset = go_duration(verdict.retry_after)
    return {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": reset}
