"""The secrets in the fields of JSON."""

from __future__ import annotations

import json

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.named_secrets import named_secrets
from mockllm.core.redaction import Redactor
from mockllm.core.secret_names import secret_field

KEY = "zq81hv93kd02nf64"


@pytest.mark.parametrize(
    ("headers", "secrets"),
    [
        ({"Authorization": "Bearer my own-key"}, {"my own-key"}),
        ({"authorization": "my-own-key", "X-Other": "my-other-value"}, {"my-own-key"}),
        ({"Cookie": "theme=dark; sid=my-own-key"}, {"theme=dark; sid=my-own-key", "my-own-key"}),
        ({"X-Api-Key": "short"}, set()),
        ({"X-Page-Token": "following-page", "X-Retries": 3, "Referer": None}, set()),
        ([{"name": "Authorization", "value": "Bearer my-own-key"}, {"name": "x"}, "a", 1], {"my-own-key"}),
        ([{"name": 1, "value": "Bearer my-own-key"}, {"name": "cookie", "value": 1}], set()),
        ("Authorization: Bearer my-own-key", set()),
        (None, set()),
    ],
)
@pytest.mark.parametrize("name", ["headers", "extra_headers", "http-headers", "httpHeaders", "Headers"])
def test_headers_in_json_have_secrets_as_those_of_a_request(
    name: str, headers: Json, secrets: set[str]
) -> None:
    assert {*named_secrets({"tools": [{"type": "mcp", name: headers}]})} == secrets


def test_other_objects_are_no_headers() -> None:
    assert [*named_secrets({"header_names": {"Cookie": "sid=my-own-key"}})] == []


@pytest.mark.parametrize(
    "name",
    ["password", "db_password", "passwd", "client_secret", "clientSecret", "access_token", "accessToken", "api_key",
     "OPENAI_API_KEY", "refresh-token", "secret_access_key"],
)  # fmt: skip
def test_short_text_of_a_certain_field_is_a_secret(name: str) -> None:
    assert [*named_secrets({name: "eight888"})] == ["eight888"]
    assert [*named_secrets([{name: "plain words"}])] == ["plain words"]
    assert [*named_secrets({name: "seven77"})] == []
    assert [*named_secrets({name: "eight888"}, secret_field)] == ["eight888"]
    assert [*named_secrets({name: "wordwordwordword"})] == ["wordwordwordword"]


@pytest.mark.parametrize("word", ["password", "radiance", "fifteenfifteens"])
def test_word_of_a_certain_field_is_not_searched_elsewhere(word: str) -> None:
    assert [*named_secrets({"password": word})] == []


@pytest.mark.parametrize(
    "field",
    [{"token": "eight888"}, {"key": "source_url"}, {"secret": "no digits in here"}, {"authorization": "required"},
     {"password_hint": "eight888"}, {"authorization": "asks for approval"}, {"max_tokens": "eight888"}],
)  # fmt: skip
def test_short_text_of_another_field_is_no_secret(field: Json) -> None:
    assert [*named_secrets(field)] == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Basic", "Token"])
def test_credentials_of_an_authorization_field_are_a_secret(scheme: str) -> None:
    assert [*named_secrets({"authorization": f"{scheme} my-own-key"})] == ["my-own-key"]


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_secret_of_json_in_texts_of_json_is_found(levels: int) -> None:
    value: Json = {"api_key": KEY, "n": 1, "no": "[JSON"}
    for level in range(levels):
        value = [{"arguments": f" {json.dumps(value)}"}, json.dumps(value)] if level else json.dumps(value)
    assert {*named_secrets(value)} == {KEY}


def test_headers_of_a_body_are_not_shown() -> None:
    body: Json = {
        "headers": {"Cookie": "sid=1", "X-Other": "1", "Authorization": "Bearer x"},
        "a": {"cookie": "1"},
    }
    assert Redactor().json(body) == {
        "headers": {"Cookie": "REDACTED", "X-Other": "1", "Authorization": "REDACTED"},
        "a": {"cookie": "1"},
    }
