"""Scopes of requests for each value of `per`."""

from __future__ import annotations

from typing import Any

from mockllm.core.request.request import Message, TextPart
from mockllm.core.request.request_keys import conversation, scope_of
from tests.core.json_requests import JsonRequest


def sent(headers: dict[str, str] | None = None, client_address: str = "::1", **body: Any) -> JsonRequest:
    import json

    return JsonRequest(
        method="POST",
        path="/",
        headers=headers or {},
        raw=json.dumps(body).encode(),
        client_address=client_address,
    )


def test_scope_of_global_is_empty() -> None:
    assert scope_of("global", sent()) == ""


def test_scope_of_api_key_is_hashed() -> None:
    one, two, none = (
        scope_of("api_key", sent({"authorization": f"Bearer {key}"} if key else {})) for key in ("a", "b", "")
    )
    assert len({one, two, none, ""}) == 4
    assert one == scope_of("api_key", sent({"x-api-key": "a"}))
    assert one.startswith("api_key:")
    assert not one.endswith(":a")


def test_scope_of_ip_is_the_client_address() -> None:
    assert scope_of("ip", sent(client_address="10.0.0.1")) == "ip:10.0.0.1"


def test_scope_of_header_ignores_case() -> None:
    assert scope_of("header:X-User", sent({"x-user": "7"})) == "header:x-user=7"
    assert scope_of("header:X-User", sent()) == "header:x-user="


def test_scope_of_long_header_is_short_and_distinct() -> None:
    short, one, two = (
        scope_of("header:x", sent({"x": value})) for value in ("a" * 64, "a" * 65, "a" * 9_000)
    )
    assert short == "header:x=" + "a" * 64
    assert len({one, two}) == 2
    assert max(len(one), len(two)) < 64
    assert one == scope_of("header:x", sent({"x": "a" * 65}))
    assert scope_of("header:x", sent({"x": "\udcff" * 65})).startswith("header:x=#")


def test_scope_of_conversation_is_its_opening() -> None:
    def named(*content: tuple[str, str]) -> str:
        request = sent()
        request.__dict__["messages"] = tuple(Message(role, (TextPart(text),)) for role, text in content)  # type: ignore[arg-type]
        assert scope_of("conversation", request) == f"conversation:{conversation(request)}"
        return conversation(request)

    first = named(("user", "hi"))
    assert named(("user", "hi"), ("assistant", "x"), ("user", "more")) == first
    assert len({first, named(("user", "ho")), named(("system", "s"), ("user", "hi")), named()}) == 4
    assert named(("user", "\ud800")) != first
