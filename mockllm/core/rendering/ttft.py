"""A time to first token that depends on the input: a base and a time for each input token."""

from __future__ import annotations

from math import inf

from msgspec import Struct

from mockllm.core.reply.reply import Usage
from mockllm.core.values.dynamic import Context, Dynamic, evaluate


class InputTime(Struct, frozen=True):
    """Seconds: `base`, and `per_input_token` for each input token. `cached` replaces it for tokens that the
    response's usage reports as read from the cache. The sum is at most `longest`, since the client chooses how much
    it sends."""

    base: float = 0.0
    per_input_token: float = 0.0
    cached: float | None = None
    longest: float = inf

    def seconds(self, usage: Usage) -> float:
        """Return the seconds until the first chunk of a response with this usage."""
        cached = min(usage.cached_read, usage.input)
        rate = self.per_input_token if self.cached is None else self.cached
        time = self.base + (usage.input - cached) * self.per_input_token + cached * rate
        return min(time, self.longest)


class ReadingTime(Dynamic, frozen=True):
    """An InputTime as a scenario has it: each part may be a template or drawn."""

    base: float | Dynamic = 0.0
    per_input_token: float | Dynamic = 0.0
    cached: float | Dynamic | None = None

    def value(self, context: Context) -> InputTime:
        parts = (self.base, self.per_input_token, self.cached)
        base, rate, cached = evaluate(parts, context.at("ttft"))
        return InputTime(base, rate, cached, context.max_wait)  # type: ignore[arg-type]  # evaluated
