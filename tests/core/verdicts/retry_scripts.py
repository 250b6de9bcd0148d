"""Scripts of clients that retry: a refusal and its retry, retries at fixed times, several statuses in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.core.verdicts.client_script import ClientScript

Play = Callable[[ClientScript], object]
WAIT = {"retry-after": "1"}


def pair(gap: float, status: int = 429, **options: Any) -> Play:
    """A refusal, and the same request again `gap` seconds later."""

    def play(script: ClientScript) -> None:
        script.send(0, status, **options)
        script.send(gap)

    return play


def at(*times: float, status: int = 503, **options: Any) -> Play:
    return lambda script: script.send_at(times, status, **options)


def mixed(*item: tuple[float, int]) -> Play:
    def play(script: ClientScript) -> None:
        for time, status in item:
            script.send(time, status)

    return play


def every(step: float, count: int) -> list[float]:
    return [number * step for number in range(count)]
