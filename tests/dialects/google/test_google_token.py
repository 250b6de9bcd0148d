"""POST /token: the tokens of each grant, and errors in OAuth's form."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from urllib.parse import urlencode

import pytest

from mockllm.dialects.google.token import JWT_GRANT
from tests.language.virtual_server import ClientResponse, VirtualServer, raw_request

FORM = {"content-type": "application/x-www-form-urlencoded"}


def assertion(**claims: Any) -> str:
    return ".".join(
        urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "RS256"}, claims, "signature")
    )


def post(fields: dict[str, str], rules: str = "rules: [{reply: x}]") -> ClientResponse:
    return VirtualServer(rules).respond(raw_request("/token", urlencode(fields), headers=FORM))


@pytest.mark.parametrize(
    "fields",
    [
        {"grant_type": JWT_GRANT, "assertion": assertion(iss="a")},
        {"grant_type": JWT_GRANT, "assertion": "no token"},
        {"grant_type": JWT_GRANT, "assertion": "a.ä.c"},
        {"grant_type": JWT_GRANT, "assertion": "a.e30.c"},
        {"grant_type": "refresh_token", "refresh_token": "r"},
        {"grant_type": "authorization_code", "code": "c"},
    ],
)
def test_grant_gets_access_token(fields: dict[str, str]) -> None:
    response = post(fields)
    assert response.json["access_token"].startswith("ya29.")
    assert (response.json["expires_in"], response.json["token_type"]) == (3599, "Bearer")
    assert "no-store" in response.headers["cache-control"]


def test_json_body_is_read_as_a_form() -> None:
    sent = raw_request("/token", {"grant_type": "refresh_token", "refresh_token": "r", "more": 1})
    assert VirtualServer("rules: [{reply: x}]").respond(sent).status == 200


def test_audience_gets_id_token() -> None:
    body = post({"grant_type": JWT_GRANT, "assertion": assertion(iss="a", target_audience="https://x")}).json
    claims = json.loads(urlsafe_b64decode(body["id_token"].split(".")[1] + "=="))
    assert (claims["aud"], claims["sub"], claims["exp"] - claims["iat"]) == ("https://x", "a", 3599)
    assert "access_token" not in body


@pytest.mark.parametrize(
    ("fields", "error", "description"),
    [
        ({}, "invalid_request", "Required parameter is missing: grant_type"),
        ({"grant_type": "x"}, "unsupported_grant_type", "Invalid grant_type: x"),
        ({"grant_type": JWT_GRANT}, "invalid_request", "Missing required parameter: assertion"),
    ],
)
def test_invalid_request_has_oauth_error(fields: dict[str, str], error: str, description: str) -> None:
    refused = post(fields)
    assert refused.status == 400
    assert refused.json == {"error": error, "error_description": description}


@pytest.mark.parametrize(
    ("rule", "status", "error"),
    [
        ("authentication", 400, "invalid_grant"),
        ("overloaded", 503, "temporarily_unavailable"),
        ("{type: server_error, message: Gone, retry_after: 3s}", 500, "internal_failure"),
        ("context_length", 400, "invalid_request"),
    ],
)
def test_rule_makes_error_in_oauth_form(rule: str, status: int, error: str) -> None:
    refused = post({}, f"validation: off\nrules: [{{match: {{api: token}}, error: {rule}}}]")
    assert (refused.status, refused.json["error"]) == (status, error)
    if "retry_after" in rule:
        assert (refused.json["error_description"], refused.headers["retry-after"]) == ("Gone", "3")


def test_lenient_validation_requires_no_grant() -> None:
    assert "access_token" in post({}, "validation: lenient\nrules: [{reply: x}]").json
