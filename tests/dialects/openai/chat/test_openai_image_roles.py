"""Images in messages of other roles than `user`, which OpenAI refuses and vendors of its protocol accept."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.openai.chat.check import check_images
from mockllm.dialects.openai.chat.dialect import CHAT
from tests.compatible import vendor_dialect
from tests.dialects.openai.chat.chat_requests import chat
from tests.dialects.openai.chat.refusals import CALLING, USER, refusal_tuple
from tests.language.virtual_server import VirtualServer, raw_request

IMAGE: Json = {"type": "image_url", "image_url": {"url": "https://localhost/a.png"}}
TEXT: Json = {"type": "text", "text": "x"}
RESULT: Json = {"role": "tool", "tool_call_id": "call_1", "content": [TEXT, IMAGE]}


def message(role: str, *parts: Json) -> Json:
    return {"role": role, "content": list(parts)}


def refusal(place: int, role: str) -> tuple[str, str, str]:
    path = f"messages[{place}]"
    text = (
        f"Invalid '{path}'. Image URLs are only allowed for messages with role 'user', but this message with role "
        f"'{role}' contains an image URL."
    )
    return path, "invalid_value", text


@pytest.mark.parametrize(
    ("messages", "place", "role"),
    [
        ([message("system", IMAGE), USER], 0, "system"),
        ([USER, message("assistant", TEXT, IMAGE), USER], 1, "assistant"),
        ([USER, CALLING, RESULT], 2, "tool"),
        ([message("user", IMAGE), message("developer", IMAGE)], 1, "developer"),
    ],
)
def test_image_of_another_role_is_refused(messages: list[Json], place: int, role: str) -> None:
    assert refusal_tuple(CHAT.check(chat(messages=messages))) == refusal(place, role)
    assert vendor_dialect("openrouter", "chat").check(chat(messages=messages)) is None


def test_texts_and_images_of_users_are_accepted() -> None:
    messages = [message("system", TEXT), message("user", IMAGE), message("assistant", TEXT), USER]
    assert CHAT.check(chat(messages=messages)) is None


@pytest.mark.parametrize("role", ["user", "system"])
def test_image_in_a_longer_conversation_is_seen(role: str) -> None:
    server = VirtualServer("rules: [{reply: Yes.}]")
    start: list[Json] = [{"role": "user", "content": "x" * 5_000}]
    for messages in (start, [*start, USER], [*start, USER, message(role, IMAGE), USER]):
        response = server.respond(
            raw_request("/v1/chat/completions", {"model": "gpt-4o", "messages": messages})
        )
        assert response.status == (400 if len(messages) == 4 and role == "system" else 200)
    again = [*messages, message("assistant", TEXT), USER]
    response = server.respond(raw_request("/v1/chat/completions", {"model": "gpt-4o", "messages": again}))
    assert response.status == (400 if role == "system" else 200)


def test_messages_without_misplaced_images_pass() -> None:
    assert (
        check_images([{"role": "user", "content": [TEXT, IMAGE]}, {"role": "assistant", "content": [TEXT]}])
        is None
    )
