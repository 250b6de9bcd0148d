"""Scenario files with a limit, requests at fixed times, and the status of their responses."""

from __future__ import annotations

from typing import Any

from tests.language.virtual_server import NOW, ClientRequest, ClientResponse, chat_request, raw_request

HI = "rules: [{name: hi, reply: hi}]"


def limit_file(settings: str, rules: str = HI, **guard: str) -> str:
    """Return a scenario file with a limit."""
    more = "".join(f"{name}: {value}, " for name, value in guard.items())
    return f"{rules}\nmodifiers: [{{name: quota, {more}limit: {{{settings}}}}}]"


def request_at(seconds: float, sent: Any = chat_request, *args: Any, **more: Any) -> ClientRequest:
    build: ClientRequest = sent(*args, now=NOW + seconds, **more)
    return build


def gemini_request(**more: Any) -> ClientRequest:
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    return raw_request("/v1beta/models/gemini-2.5-flash:generateContent", body, **more)


def vendor_request(base: str) -> Any:
    def build(**more: Any) -> ClientRequest:
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        return raw_request(f"/{base}/v1/chat/completions", body, **more)

    return build


def passed_pattern(responses: list[ClientResponse]) -> str:
    """Return a plus for each response that passed, a minus for each refusal."""
    return "".join({200: "+", 429: "-"}[each.status] for each in responses)


def statuses(responses: list[ClientResponse]) -> list[int]:
    return [each.status for each in responses]
