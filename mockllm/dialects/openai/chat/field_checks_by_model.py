"""The checks of the fields of a chat request that depend on its model.

Checks of two kinds are in the order of the fields. The first kind refuses a parameter with any value. The second kind
refuses some values of `reasoning_effort`, `n` and `top_logprobs`. The values that a reasoning model refuses come
after all fields (`model_restrictions.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.text_cache import text_cache
from mockllm.dialects.openai.chat.field_checks import OPENAI_FIELDS
from mockllm.dialects.openai.model_restrictions import (
    UNSUPPORTED_VALUE,
    restrictions_of,
    unsupported_parameter,
)
from mockllm.dialects.openai.validators import Check, integer, refuse, supported_values

MAX_CHOICES_OF_RECENT_MODELS: Final = 8
"""The maximum number of choices of recent models."""
MAX_LOGPROBS_OF_RECENT_MODELS: Final = 5
"""The maximum number of likeliest tokens of recent models."""
_HINTS: Final = {"max_tokens": " Use 'max_completion_tokens' instead."}


@text_cache(256)  # clients repeat a few models
def field_checks_of(model: str) -> Mapping[str, Check]:
    restrictions = restrictions_of(model)
    checks = dict(OPENAI_FIELDS)
    for name in restrictions.parameters:
        checks[name] = _refused
    if restrictions.efforts:
        checks["reasoning_effort"] = _effort(restrictions.efforts)
    if restrictions.recent:
        checks |= {"n": integer(1, MAX_CHOICES_OF_RECENT_MODELS), "top_logprobs": _top_logprobs}
    return checks


def _refused(value: Json, path: str) -> Failure:
    return unsupported_parameter(path, _HINTS.get(path, ""))


def _effort(efforts: tuple[str, ...]) -> Check:
    def check(value: Json, path: str) -> Failure | None:
        if value in efforts:
            return None
        message = f"'{path}' does not support {value!r} with this model. {supported_values(efforts)}"
        return refuse(f"Unsupported value: {message}", path, UNSUPPORTED_VALUE)

    return check


_from_0: Final = integer(0)


def _top_logprobs(value: Json, path: str) -> Failure | None:
    error = _from_0(value, path)
    if error is not None or value <= MAX_LOGPROBS_OF_RECENT_MODELS:
        return error
    return refuse(
        f"Invalid value for '{path}': must be less than or equal to {MAX_LOGPROBS_OF_RECENT_MODELS}.", path
    )
