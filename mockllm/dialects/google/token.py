"""POST /token: access tokens of Google's OAuth 2.0, for a service account whose `token_uri` is this server.

Each of three grants gets a token without a check of its signature or its code. No other call checks the token.
Sources: google-auth's `oauth2._client` (grants, the members of a response, the errors that it retries), RFC 6749,
section 5.2, RFC 7523, section 2.1, and the messages of invalid requests in public reports. Which statuses a failure
has is inferred.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Mapping
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.plan import EventStep, Headers, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.wire_format import JSON, indented

JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
NEEDED: Final = {JWT_GRANT: "assertion", "refresh_token": "refresh_token", "authorization_code": "code"}
"""The parameter that each grant requires."""
LIFETIME: Final = 3599
"""Seconds until a token expires."""
ROWS: Final[Mapping[str, tuple[int, str, str]]] = {
    "bad_request": (400, "invalid_request", "Bad Request"),
    "authentication": (400, "invalid_grant", "Invalid JWT Signature."),
    "permission": (401, "unauthorized_client", "Unauthorized"),
    "not_found": (404, "invalid_request", "Not found"),
    "rate_limit": (429, "rate_limit_exceeded", "Rate limit exceeded"),
    "insufficient_quota": (429, "rate_limit_exceeded", "Quota exceeded"),
    "request_too_large": (413, "invalid_request", "Request too large"),
    "server_error": (500, "internal_failure", "Backend Error"),
    "overloaded": (503, "temporarily_unavailable", "The service is overloaded."),
    "unavailable": (503, "temporarily_unavailable", "The service is unavailable."),
    "bad_gateway": (502, "internal_failure", "Bad gateway"),
    "timeout": (504, "internal_failure", "Deadline exceeded"),
}
"""Status, error and description of each error name; another error is a bad request."""
NO_STORE: Final[Headers] = (("cache-control", "no-cache, no-store, max-age=0, must-revalidate"),)


class TokenRequest(Request):
    dialect = "vertex"
    api = "token"

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The fields of the form, or of a JSON body."""
        return self.form or {name: value for name, value in self.fields.items() if type(value) is str}

    @cached_property
    def claims(self) -> dict[str, Json]:
        """The claims of the assertion; an unreadable one has none."""
        payload = self.parameters.get("assertion", "").split(".")[1:2]
        try:
            return object_of(loads(urlsafe_b64decode(f"{payload[0]}===")) if payload else None)
        except (JSONDecodeError, Error, ValueError):
            return {}


class Token:
    """The dialect of the call."""

    name: str = "vertex"
    api: str = "token"
    generates: bool = False
    request_class: type[Request] = TokenRequest

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, TokenRequest)
        grant = request.parameters.get("grant_type")
        if grant is None:
            return Failure("bad_request", message="Required parameter is missing: grant_type")
        if grant not in NEEDED:
            fields = {"error": "unsupported_grant_type"}
            return Failure("bad_request", message=f"Invalid grant_type: {grant}", fields=fields)
        if not request.parameters.get(NEEDED[grant]):
            return Failure("bad_request", message=f"Missing required parameter: {NEEDED[grant]}")
        return None

    def check_readable(self, request: Request) -> Failure | None:
        return None

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        status, name, description = ROWS.get(failure.type, ROWS["bad_request"])
        text = description if failure.message is None else failure.message
        body = {"error": name, "error_description": text, **failure.fields}
        wait = failure.seconds_until_retry()
        headers = JSON if wait is None else (*JSON, ("retry-after", str(int(wait))))
        head = ResponseHead(failure.status or status, headers).with_headers(failure.headers)
        return Plan(head, (EventStep(indented(body) + b"\n", 0, "body"),))

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        """Return an access token; an ID token to a client that names its audience."""
        assert isinstance(request, TokenRequest)
        audience = request.claims.get("target_audience")
        body: dict[str, Json] = {"id_token": _id_token(request, audience, identity)}
        if audience is None:
            token = identity.ids.make("ya29.c.", 64, "token")
            body = {"access_token": token, "expires_in": LIFETIME, "token_type": "Bearer"}
        return Plan(ResponseHead(200, JSON + NO_STORE), (EventStep(indented(body) + b"\n", 0, "body"),))


def _id_token(request: TokenRequest, audience: Json, identity: ResponseIdentity) -> str:
    """Return a JWT without a valid signature."""
    claims = {
        "aud": audience,
        "exp": identity.epoch_second + LIFETIME,
        "iat": identity.epoch_second,
        "iss": "https://accounts.google.com",
        "sub": request.claims.get("iss"),
    }
    parts = (dumps({"alg": "RS256", "typ": "JWT"}), dumps(claims), b"mockllm")
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
