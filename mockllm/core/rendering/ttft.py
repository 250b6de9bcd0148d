"""Time to first token that depends on what the model reads: so much at all, and so much for each input token.

Apart from pace, which says when each piece is said; here it is only how long reading takes.
"""

from __future__ import annotations

from math import inf

from msgspec import Struct

from mockllm.core.reply.reply import Usage
from mockllm.core.values.dynamic import Context, Dynamic, evaluate


class InputTime(Struct, frozen=True):
    """Seconds: `base`, and `per_input_token` for each token of the input; `cached` in its place for those that
    the answer's usage says were read from the cache. Never longer than `longest`, since the client chooses
    how much it sends."""

    base: float = 0.0
    per_input_token: float = 0.0
    cached: float | None = None
    longest: float = inf

    def seconds(self, usage: Usage) -> float:
        """How long until the first chunk of an answer with this usage."""
        cached = min(usage.cached_read, usage.input)
        rate = self.per_input_token if self.cached is None else self.cached
        time = self.base + (usage.input - cached) * self.per_input_token + cached * rate
        return min(time, self.longest)


class ReadingTime(Dynamic, frozen=True):
    """An InputTime as it is written: each part may be a template or drawn."""

    base: float | Dynamic = 0.0
    per_input_token: float | Dynamic = 0.0
    cached: float | Dynamic | None = None

    def value(self, context: Context) -> InputTime:
        parts = (self.base, self.per_input_token, self.cached)
        base, rate, cached = evaluate(parts, context.at("ttft"))
        return InputTime(base, rate, cached, context.max_wait)  # type: ignore[arg-type]  # evaluated
