"""The failure that the error of a scenario describes."""

from __future__ import annotations

from mockllm.core.failure import NEVER, Failure
from mockllm.scenario.language.error import ErrorSpec, RetryDateSpec


def failure_from_spec(spec: ErrorSpec) -> Failure:
    """Return an error's spec as a Failure."""
    type = spec.type
    if type is None:
        assert isinstance(spec.status, int)
        type = Failure.of_status(spec.status).type
    wait, date = spec.retry_after, isinstance(spec.retry_after, RetryDateSpec)
    if isinstance(wait, RetryDateSpec):
        wait = wait.date
    elif wait == "none":
        wait = NEVER
    return Failure(
        type, spec.status, spec.message, wait, spec.fields, context_tokens=spec.limit, retry_date=date
    )
