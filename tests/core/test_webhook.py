"""Webhooks as data: their signed headers."""

from __future__ import annotations

import pytest

from mockllm.core.webhook import Webhook, is_valid_secret, secret_key

HOOK = Webhook(0.0, "http://localhost/h", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_1", b'{"a":1}', "s")


def test_headers_of_webhook_are_signed_over_id_and_payload() -> None:
    headers = HOOK.headers(1_614_265_330)
    assert headers["webhook-id"] == "msg_1"
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,8WmO9OATkSvjxs+eEJolmK2V9ge32ryGE0kSd4GZiDY="


def test_webhook_without_secret_is_not_signed() -> None:
    assert HOOK._replace(secret="").headers(1) == {"content-type": "application/json"}


def test_headers_of_another_second_have_another_signature() -> None:
    assert HOOK.headers(1)["webhook-signature"] != HOOK.headers(2)["webhook-signature"]


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("whsec_AAAA", b"\0\0\0"),
        ("plain", b"plain"),
        ("whsec_A", b"whsec_A"),
        ("whsec_é", "whsec_é".encode()),
    ],
)
def test_secret_key_is_base64_behind_its_prefix(secret: str, key: bytes) -> None:
    assert secret_key(secret) == key


@pytest.mark.parametrize(
    ("secret", "valid"),
    [("whsec_AAAA", True), ("plain é", True), ("", True), ("whsec_A", False), ("whsec_é", False)],
)
def test_secret_is_valid_if_its_base64_can_be_read(secret: str, valid: bool) -> None:
    assert is_valid_secret(secret) is valid
