"""Files with a limit, requests to them at a time, and what came of these."""

from __future__ import annotations

from typing import Any

from tests.language.playing import NOW, Ask, Heard, ask, chat

HI = "rules: [{name: hi, reply: hi}]"


def limited(settings: str, rules: str = HI, **guard: str) -> str:
    """A file with a limit."""
    more = "".join(f"{name}: {value}, " for name, value in guard.items())
    return f"{rules}\nmodifiers: [{{name: quota, {more}limit: {{{settings}}}}}]"


def at(seconds: float, asked: Any = chat, *args: Any, **more: Any) -> Ask:
    made: Ask = asked(*args, now=NOW + seconds, **more)
    return made


def gemini(**more: Any) -> Ask:
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    return ask("/v1beta/models/gemini-2.5-flash:generateContent", body, **more)


def vendor(base: str) -> Any:
    def made(**more: Any) -> Ask:
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        return ask(f"/{base}/v1/chat/completions", body, **more)

    return made


def passed(heard: list[Heard]) -> str:
    """A plus for each that passed."""
    return "".join({200: "+", 429: "-"}[each.status] for each in heard)


def statuses(heard: list[Heard]) -> list[int]:
    return [each.status for each in heard]
