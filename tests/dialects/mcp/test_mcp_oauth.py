"""Authorization of an MCP server: the 401 with its metadata, codes with PKCE, tokens, and what is refused."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.dialects.mcp.messages import BOTH, call, rpc
from tests.language.virtual_server import ClientRequest, ClientResponse, VirtualServer, raw_request

FILE = """
mcp:
  - {name: vault, oauth: {scopes: [read, write], expires: 1m}, tools: [{name: open, reply: Open.}]}
  - {name: plain, oauth: true, tools: [{name: open, reply: Open.}]}
  - {name: free, oauth: false, tools: [{name: open, reply: Open.}]}
"""
PATH = "/mcp/vault"
HOST = {"host": "mock:1"}
FORM = {**HOST, "content-type": "application/x-www-form-urlencoded"}
VERIFIER, CHALLENGE = (
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
)
"""The example of RFC 7636, appendix B."""


class Vault:
    """A client of the servers."""

    def __init__(self) -> None:
        self.server = VirtualServer(FILE)

    def get(self, path: str, query: str = "", server: str = PATH) -> ClientResponse:
        return self.server.respond(ClientRequest(f"{server}/{path}", method="GET", query=query, headers=HOST))

    def token(self, **form: Any) -> ClientResponse:
        return self.server.respond(raw_request(f"{PATH}/token", urlencode(form), headers=FORM))

    def authorize(self, **query: str) -> ClientResponse:
        query = {
            "redirect_uri": "http://client/back",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **query,
        }
        return self.get("authorize", urlencode(query))

    def code(self, **query: str) -> str:
        location = self.authorize(**query).headers["location"]
        return parse_qs(urlsplit(location).query)["code"][0]

    def open(self, token: str, *, path: str = PATH, later: float = 0.0) -> ClientResponse:
        headers = {**HOST, "authorization": token}
        request = call("open", path=path, modern=True, headers=headers)
        return self.server.respond(dataclasses.replace(request, now=request.now + later))


def test_refusal_without_a_token_names_the_metadata() -> None:
    vault = Vault()
    got = vault.server.respond(call("open", path=PATH, headers=HOST))
    assert got.status == 401
    assert got.headers["www-authenticate"] == (
        'Bearer resource_metadata="http://mock:1/mcp/vault/.well-known/oauth-protected-resource", scope="read write"'
    )
    assert vault.get(".well-known/oauth-protected-resource").json == {
        "resource": "http://mock:1/mcp/vault",
        "authorization_servers": ["http://mock:1/mcp/vault"],
        "scopes_supported": ["read", "write"],
        "bearer_methods_supported": ["header"],
    }
    assert (
        "scopes_supported" not in vault.get(".well-known/oauth-protected-resource", server="/mcp/plain").json
    )


def test_metadata_names_the_calls_of_the_authorization_server() -> None:
    got = Vault().get(".well-known/openid-configuration").json
    assert (got["issuer"], got["token_endpoint"]) == (
        "http://mock:1/mcp/vault",
        "http://mock:1/mcp/vault/token",
    )
    assert got["code_challenge_methods_supported"] == ["S256"]


def test_registration_is_accepted() -> None:
    sent = raw_request(f"{PATH}/register", {"client_name": "c"}, headers=HOST)
    got = Vault().server.respond(sent)
    assert (got.status, got.json["client_name"]) == (201, "c")
    assert got.json["client_id"].startswith("mcp-mock-client-")


@pytest.mark.parametrize(
    ("method", "has_secret"),
    [
        ("client_secret_basic", True),
        ("client_secret_post", True),
        ("none", False),
        (None, False),
        ([], False),
    ],
)
def test_registration_has_the_secret_of_its_method(method: Any, has_secret: bool) -> None:
    sent = raw_request(f"{PATH}/register", {"token_endpoint_auth_method": method}, headers=HOST)
    got = Vault().server.respond(sent).json
    assert str(got.get("client_secret", "")).startswith("mcp-mock-secret-") == has_secret
    assert got.get("client_secret_expires_at") == (0 if has_secret else None)


def test_code_with_its_verifier_is_a_token_for_its_time() -> None:
    vault = Vault()
    location = vault.authorize(state="s", scope="read").headers["location"]
    assert location.startswith("http://client/back?code=")
    assert location.endswith("&state=s")
    token = vault.token(
        grant_type="authorization_code",
        code=vault.code(scope="read"),
        code_verifier=VERIFIER,
        redirect_uri="http://client/back",
    ).json
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 60, "read")
    bearer = f"Bearer {token['access_token']}"
    assert vault.open(bearer).json["result"]["content"][0]["text"] == "Open."
    expired = vault.open(bearer, later=61)
    assert expired.status == 401
    assert 'error="invalid_token"' in expired.headers["www-authenticate"]


def test_token_is_valid_for_all_of_its_time() -> None:
    vault = Vault()
    sent = raw_request(f"{PATH}/token", "grant_type=client_credentials", headers=FORM)
    token = vault.server.respond(dataclasses.replace(sent, now=sent.now + 0.6)).json["access_token"]
    assert vault.open(f"Bearer {token}", later=60.5).status == 200
    assert vault.open(f"Bearer {token}", later=62).status == 401


@pytest.mark.parametrize(
    "target", ["cursor://app.example/oauth/callback", "com.example.app:/back", "vscode://example.ext"]
)
def test_redirect_may_lead_to_an_app(target: str) -> None:
    """RFC 8252, section 7.1."""
    assert Vault().authorize(redirect_uri=target).headers["location"].startswith(f"{target}?code=")


def test_address_of_the_only_server_has_its_metadata() -> None:
    server = VirtualServer("mcp: [{name: vault, oauth: true, tools: [{name: open, reply: Open.}]}]")
    got = server.respond(call("open", path="/mcp", headers=HOST))
    metadata = "http://mock:1/mcp/.well-known/oauth-protected-resource"
    assert got.headers["www-authenticate"] == f'Bearer resource_metadata="{metadata}"'
    path = metadata.removeprefix("http://mock:1")
    assert server.respond(ClientRequest(path, method="GET", headers=HOST)).json == {
        "resource": "http://mock:1/mcp",
        "authorization_servers": ["http://mock:1/mcp/vault"],
        "bearer_methods_supported": ["header"],
    }
    several = VirtualServer(FILE)
    assert several.respond(ClientRequest(path, method="GET", headers=HOST)).status == 404


def test_redirect_has_the_query_of_the_client() -> None:
    location = Vault().authorize(redirect_uri="http://client/back?a=1").headers["location"]
    assert location.startswith("http://client/back?a=1&code=")


@pytest.mark.parametrize(
    "query",
    [{"redirect_uri": ""}, {"redirect_uri": "javascript:x"}, {"redirect_uri": "http://a/\n"},
     {"redirect_uri": "ftp://[a/"}, {"redirect_uri": "/back"}, {"redirect_uri": "://a"},
     {"redirect_uri": "DATA:text/html,x"}, {"redirect_uri": "vbscript:x"}, {"redirect_uri": "http:"},
     {"redirect_uri": "http://a/cb#fragment"}, {"redirect_uri": "http://a/cb#"},
     {"code_challenge": ""}, {"code_challenge_method": "plain"}],
)  # fmt: skip
def test_authorization_without_an_address_or_pkce_is_refused(query: dict[str, str]) -> None:
    got = Vault().authorize(**query)
    assert (got.status, got.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "authorization_code", "code": "x", "code_verifier": VERIFIER}, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "mcp-mock-code-é"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({f"f{number}": "x" for number in range(60)}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
    ],
)
def test_token_request_that_is_wrong_is_refused(form: dict[str, str], error: str) -> None:
    got = Vault().token(**form)
    assert (got.status, got.json["error"]) == (400, error)


def test_code_of_another_verifier_is_refused() -> None:
    vault = Vault()
    got = vault.token(
        grant_type="authorization_code",
        code=vault.code(),
        code_verifier="other",
        redirect_uri="http://client/back",
    )
    assert got.json["error"] == "invalid_grant"


def test_other_grants_get_tokens_too() -> None:
    vault = Vault()
    token = vault.token(grant_type="client_credentials").json
    assert token["scope"] == "read write"
    again = vault.token(grant_type="refresh_token", refresh_token=token["refresh_token"], scope="read").json
    assert again["scope"] == "read"
    plain = vault.server.respond(
        raw_request("/mcp/plain/token", "grant_type=client_credentials", headers=FORM)
    )
    assert "scope" not in plain.json
    assert vault.open(f"Bearer {plain.json['access_token']}", path="/mcp/plain").status == 200


@pytest.mark.parametrize(
    "token", ["Basic x", "Bearer x", "Bearer mcp-mock-access-x", "Bearer mcp-mock-access-999"]
)
def test_token_of_another_kind_is_invalid(token: str) -> None:
    assert Vault().open(token).status == 401


def test_server_without_oauth_needs_no_token_and_has_no_calls() -> None:
    vault = Vault()
    assert vault.server.respond(call("open", path="/mcp/free", modern=True)).status == 200
    assert vault.get(".well-known/openid-configuration", server="/mcp/free").status == 404
    assert vault.get("authorize", server="/mcp/unknown").status == 404


def test_server_without_scopes_names_none() -> None:
    got = Vault().server.respond(call("open", path="/mcp/plain", headers=HOST))
    assert got.headers["www-authenticate"].endswith('/oauth-protected-resource"')


def test_messages_over_stdio_need_no_token() -> None:
    request = rpc("ping", path=PATH, headers={"x-mockllm-stdio": "1"})
    assert Vault().server.respond(request).status != 401


def test_listening_needs_a_token() -> None:
    got = Vault().server.respond(ClientRequest(PATH, method="GET", headers={**BOTH, **HOST}))
    assert got.status == 401


@pytest.mark.parametrize("sent", [{}, {"redirect_uri": "http://client/other"}])
def test_code_with_another_redirect_uri_is_refused(sent: dict[str, str]) -> None:
    vault = Vault()
    form = {"grant_type": "authorization_code", "code": vault.code(), "code_verifier": VERIFIER}
    got = vault.token(**form, **sent)
    assert (got.status, got.json["error"]) == (400, "invalid_grant")
    assert "redirect_uri" in got.json["error_description"]
    assert vault.token(**form, redirect_uri="http://client/back").status == 200
