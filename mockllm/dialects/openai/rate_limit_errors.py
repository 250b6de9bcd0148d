"""What OpenAI says where a limit refuses: which bound, with its true figures, in the words that were recorded.

Apart from the table of named errors, whose rate_limit has figures of its own, since no limit stands behind it.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import NEVER, Failure
from mockllm.core.limits import Gauge, LimitResult, LimitStatus
from mockllm.dialects.openai.headers import LIMITS, go_duration, limits

_PER: Final = {60.0: ("per min", "PM"), 86400.0: ("per day", "PD")}
_MORE: Final = "Visit https://platform.openai.com/account/rate-limits to learn more."


def refused(
    verdict: LimitResult, standing: LimitStatus, tokens: int, model: str | None, now: float
) -> Failure:
    """The failure of a request of so many tokens. A bound that the limit does not have is told as unused."""
    bound = "tokens" if verdict.by == "tokens" else "requests"
    gauge: Gauge | None = None if verdict.by == "concurrent" else getattr(standing, bound)
    wanted = tokens if bound == "tokens" else 1
    if gauge is None:
        what = " on requests under way" if verdict.by == "concurrent" else ""
        message = f"Rate limit reached for {model} in organization org-mockllm{what}."
    else:
        span, letters = _PER.get(gauge.window, (f"per {go_duration(gauge.window)}", ""))
        short = f" ({bound[0].upper()}{letters})" if letters else ""
        whose = f"{model} in organization org-mockllm on {bound} {span}{short}: Limit {gauge.limit}"
        if verdict.retry_after is None:
            message = (
                f"Request too large for {whose}, Requested {wanted}. The input or output tokens must be reduced "
                "in order to run successfully."
            )
        else:
            message = (
                f"Rate limit reached for {whose}, Used {gauge.limit - gauge.remaining}, Requested {wanted}."
            )
    if verdict.retry_after is not None:
        message += f" Please try again in {go_duration(verdict.retry_after)}."
    headers = {**dict(LIMITS), **dict(limits(standing, now)), **_spent(verdict, standing)}
    return Failure(
        "rate_limit",
        message=f"{message} {_MORE}",
        retry_after=NEVER if verdict.retry_after is None else verdict.retry_after,
        fields={"type": bound},
        headers=tuple(headers.items()),
    )


def _spent(verdict: LimitResult, standing: LimitStatus) -> dict[str, str]:
    """Where requests are refused and none are counted, none are left until it is told to try again."""
    if verdict.by != "requests" or standing.requests is not None or verdict.retry_after is None:
        return {}
    reset = go_duration(verdict.retry_after)
    return {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": reset}
