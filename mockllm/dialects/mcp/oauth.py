"""OAuth as an MCP server's clients need it: the metadata, and a small authorization server below the server's path.

Nothing is secret or stored: a code has the client's challenge and its `redirect_uri` in it, and a token its end.
Every client is let in.

Sources: RFC 6749, section 4.1.3 (the `redirect_uri` of a code), RFC 9728 (protected resource metadata), RFC 8414 and
OpenID Connect Discovery (metadata), RFC 7591 (registration), RFC 7636 (PKCE), RFC 6750 (bearer tokens), and
`basic/authorization` of the protocol's specification.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from math import ceil
from typing import Final
from urllib.parse import urlencode, urlsplit

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.mcp_server import ServerAuthorization
from mockllm.core.request.request import Request
from mockllm.core.request.server_address import server_url
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.mcp.errors import JSON, OK, error_plan
from mockllm.dialects.mcp.request import ServerRequest

ACCESS: Final = "mcp-mock-access-"
REFRESH: Final = "mcp-mock-refresh-"
CODE: Final = "mcp-mock-code-"
WITH_SECRET: Final = ("client_secret_basic", "client_secret_post")
"""The methods of a client that authenticates with a secret (RFC 7591, section 2)."""
METADATA: Final = ".well-known/oauth-protected-resource"


_ADDRESS: Final = re.compile(r"(?:https?://|(?!https?:)[a-z][a-z0-9+.-]*:)[ -\"$-~]+", re.IGNORECASE)
"""An absolute address without a fragment (RFC 6749, section 3.1.2)."""
SCRIPTS: Final = frozenset({"javascript", "data", "vbscript"})
"""The schemes that the TypeScript SDK refuses (`SafeUrlSchema`): a browser would run what is behind them."""


def _resource(request: ServerRequest) -> str:
    """Return the address of the server as the client names it."""
    return _issuer(request) if request.server_endpoint is not None else server_url(request, "/mcp")


def _issuer(request: ServerRequest) -> str:
    """Return the address of the server's authorization server."""
    return server_url(request, f"/mcp/{request.server_name}")


def unauthorized(request: ServerRequest) -> Failure | None:
    """Return the refusal of a request without a token that is valid; None where the server needs none."""
    server = request.server
    if server is None or server.authorization is None or request.over_stdio:
        return None
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and _is_valid(token, ACCESS, request.now):
        return None
    challenge = f'Bearer resource_metadata="{_resource(request)}/{METADATA}"'
    if token:
        challenge += ', error="invalid_token"'
    if server.authorization.scopes:
        challenge += f', scope="{" ".join(server.authorization.scopes)}"'
    return Failure("authentication", 401, headers=(("www-authenticate", challenge),))


def _token(prefix: str, end: float, identity: ResponseIdentity) -> str:
    return f"{prefix}{ceil(end)}-{identity.ids.make('', 16, prefix)}"


def _is_valid(token: str, prefix: str, now: float) -> bool:
    end = token.removeprefix(prefix).partition("-")[0]
    return token.startswith(prefix) and end.isdecimal() and len(end) < 12 and int(end) > now


class AuthorizationRequest(ServerRequest):
    """A request to the authorization server."""

    api = "oauth"


class AuthorizationCall:
    """The base of the calls: only a server with `oauth` has them."""

    name = "mcp"
    generates = False
    api = "oauth"
    request_class: type[Request] = AuthorizationRequest

    def check(self, request: Request) -> Failure | None:
        return None

    check_readable = check

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return error_plan(failure, request)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure | None:
        assert isinstance(request, AuthorizationRequest)
        server = request.server
        if server is None or server.authorization is None:
            return Failure("not_found", message="The server has no oauth")
        return self.respond(request, server.authorization, identity)

    def respond(
        self, request: AuthorizationRequest, settings: ServerAuthorization, identity: ResponseIdentity
    ) -> Plan:
        raise NotImplementedError  # pragma: no cover - abstract


def _json(value: dict[str, Json], status: int = OK) -> Plan:
    head = ResponseHead(status, (*JSON, ("cache-control", "no-store")))
    return Plan(head, (EventStep(dumps(value), 0, "body"),))


def _refused(error: str, description: str) -> Plan:
    """Return the error of RFC 6749, section 5.2."""
    return _json({"error": error, "error_description": description}, 400)


class ResourceMetadata(AuthorizationCall):
    def respond(
        self, request: AuthorizationRequest, settings: ServerAuthorization, identity: ResponseIdentity
    ) -> Plan:
        named: dict[str, Json] = {
            "resource": _resource(request),
            "authorization_servers": [_issuer(request)],
        }
        scopes: dict[str, Json] = {"scopes_supported": list(settings.scopes)} if settings.scopes else {}
        return _json({**named, **scopes, "bearer_methods_supported": ["header"]})


class ServerMetadata(AuthorizationCall):
    def respond(
        self, request: AuthorizationRequest, settings: ServerAuthorization, identity: ResponseIdentity
    ) -> Plan:
        issuer = _issuer(request)
        return _json(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "registration_endpoint": f"{issuer}/register",
                "jwks_uri": f"{issuer}/jwks",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none", *WITH_SECRET],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": list(settings.scopes),
            }
        )


class Register(AuthorizationCall):
    def respond(
        self, request: AuthorizationRequest, settings: ServerAuthorization, identity: ResponseIdentity
    ) -> Plan:
        client: dict[str, Json] = {
            "client_id": identity.ids.make("mcp-mock-client-", 12),
            "client_id_issued_at": identity.epoch_second,
        }
        if request.fields.get("token_endpoint_auth_method") in WITH_SECRET:
            client["client_secret"] = identity.ids.make("mcp-mock-secret-", 24)
            client["client_secret_expires_at"] = 0  # never
        return _json({**request.fields, **client}, 201)


class Authorize(AuthorizationCall):
    """The page where a user would agree: it agrees, and sends the browser back with a code."""

    def respond(
        self, request: AuthorizationRequest, settings: ServerAuthorization, identity: ResponseIdentity
    ) -> Plan:
        query = request.query
        target, challenge = query.get("redirect_uri", ""), query.get("code_challenge", "")
        if not _redirects_to(target):
            return _refused("invalid_request", "redirect_uri is missing, no address, or has a fragment")
        if not challenge or query.get("code_challenge_method") != "S256":
            return _refused("invalid_request", "PKCE with S256 is required")
        claims = {"challenge": challenge, "scope": query.get("scope", ""), "redirect_uri": target}
        back = {"code": CODE + urlsafe_b64encode(dumps(claims)).decode().rstrip("=")}
        if "state" in query:
            back["state"] = query["state"]
        address = f"{target}{'&' if '?' in target else '?'}{urlencode(back)}"
        return Plan(ResponseHead(302, (("location", address),)), ())


def _redirects_to(target: str) -> bool:
    """Return whether a browser may be sent to an address. An app has its own scheme (RFC 8252, section 7.1)."""
    try:
        address = urlsplit(target)
    except ValueError:
        return False
    return address.scheme not in SCRIPTS and _ADDRESS.fullmatch(target) is not None


class AccessTokenCall(AuthorizationCall):
    def respond(
        self, request: AuthorizationRequest, settings: ServerAuthorization, identity: ResponseIdentity
    ) -> Plan:
        form = request.form
        scope = form.get("scope", "") or " ".join(settings.scopes)
        match form.get("grant_type"):
            case "authorization_code":
                claims = _claims(form.get("code", ""))
                if claims.get("challenge") != _challenge(form.get("code_verifier", "")):
                    return _refused(
                        "invalid_grant", "the code is unknown, or the code_verifier is another one"
                    )
                if claims.get("redirect_uri") != form.get("redirect_uri"):
                    return _refused(
                        "invalid_grant", "the redirect_uri is not that of the authorization request"
                    )
                scope = text_of(claims.get("scope")) or scope
            case "refresh_token":
                if not form.get("refresh_token", "").startswith(REFRESH):
                    return _refused("invalid_grant", "the refresh token is unknown")
            case "client_credentials":
                pass
            case _:
                return _refused(
                    "unsupported_grant_type", "authorization_code, refresh_token or client_credentials"
                )
        token: dict[str, Json] = {
            "access_token": _token(ACCESS, request.now + settings.expires, identity),
            "token_type": "Bearer",
            "expires_in": int(settings.expires),
            "refresh_token": _token(REFRESH, request.now, identity),
        }
        return _json({**token, **({"scope": scope} if scope else {})})


def _challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636, section 4.2)."""
    digest = sha256(verifier.encode("utf-8", "replace")).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _claims(code: str) -> dict[str, Json]:
    """Return what a code has in it; nothing where it is none."""
    text = code.removeprefix(CODE)
    try:
        return object_of(loads(urlsafe_b64decode(text + "=" * (-len(text) % 4))))
    except (binascii.Error, ValueError, JSONDecodeError):
        return {}
