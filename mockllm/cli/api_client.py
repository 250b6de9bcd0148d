"""HTTP client for the control API of a running server, for the commands that query one."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.client import RemoteDisconnected
from ssl import SSLCertVerificationError, SSLError
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from mockllm.cli.option import BadOption
from mockllm.core.json.codec import Json
from mockllm.core.request.server_address import DEFAULT_URL, SESSION_PREFIX
from mockllm.core.url_secrets import without_passwords
from mockllm.server.access_log import MAX_PRINTED_LINE, printable_line

URL_VARIABLE: Final = "MOCKLLM_URL"
TOKEN_VARIABLE: Final = "MOCKLLM_ADMIN_TOKEN"  # noqa: S105 - the name of a variable
TIMEOUT: Final = 30.0
"""Seconds to wait for a response."""

HTTPS_HINT: Final = "if it speaks HTTPS, write https://"
_URL: Final = re.compile(r"https?://[!-~]+")
_TOKEN: Final = re.compile(r"[!-~]+")
NO_CONTROL_API: Final = "`mockllm record` has none, and `serve --admin-port` serves it on that port"


class ApiError(Exception):
    """No response, or a refusal, as one line. `wrong` lists problems of the body as (field, message)."""

    def __init__(self, message: str, wrong: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.wrong = wrong


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for the server's address and token."""
    parser.add_argument(
        "--url",
        default=None,
        metavar="URL",
        help=f"where the server listens (default {DEFAULT_URL}) [{URL_VARIABLE}]",
    )
    parser.add_argument(
        "--admin-token",
        default=None,
        metavar="TOKEN",
        help=f"admin token, for a server on another machine [{TOKEN_VARIABLE}]",
    )


def ask(
    args: argparse.Namespace,
    method: str,
    path: str,
    query: Mapping[str, Json] | None = None,
    body: Json = None,
) -> Json:
    """Send a request and return the JSON of the response. Raise ApiError."""
    raw = fetch(args, method, path, query, body)
    try:
        return json.loads(raw)
    except ValueError:
        raise ApiError(f"the server at {_base(args)} has no control API of mockllm") from None


def fetch(
    args: argparse.Namespace,
    method: str,
    path: str,
    query: Mapping[str, Json] | None = None,
    body: Json = None,
) -> bytes:
    """Send a request and return the raw body of the response. Raise ApiError."""
    base = _base(args)
    token = _token(args)
    parameters = {name: value for name, value in (query or {}).items() if value is not None}
    url = f"{base}{path}" + (f"?{urlencode(parameters)}" if parameters else "")
    request = Request(url, method=method, data=None if body is None else json.dumps(body).encode())  # noqa: S310
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=TIMEOUT) as response:
            raw: bytes = response.read()
            return raw
    except HTTPError as error:
        with error:
            raise _refusal(error, base) from None
    except (URLError, OSError) as error:
        raise ApiError(_no_response(getattr(error, "reason", error), base)) from None


def _no_response(reason: object, base: str) -> str:
    """Return why no response came from a server, and what to do."""
    if isinstance(reason, SSLCertVerificationError):
        remedy = "export SSL_CERT_FILE=FILE with the CA that `mockllm serve` names"
        return f"the certificate of {base} is not trusted ({reason.verify_message}); {remedy}"
    if isinstance(reason, SSLError):
        return f"{base} does not speak HTTPS; write http://"
    if isinstance(reason, RemoteDisconnected):
        return f"{base} closed the connection without a response; {HTTPS_HINT}"
    why = getattr(reason, "strerror", None) or reason
    return f"no server responds at {base}: {why}; `mockllm serve` starts one, --url names another"


def _base(args: argparse.Namespace) -> str:
    """Return the address of the control API. Its requests have a token in place of a user and a password."""
    base = named_base(args)
    refuse_sdk_path(base)
    if "@" in urlsplit(base).netloc:
        raise BadOption(
            f"{_source(args)}: expected no user and no password, found {without_passwords(base)!r}"
        )
    return base


def named_base(args: argparse.Namespace) -> str:
    """Return the address that --url or its variable names, or the default one."""
    return server_base(args.url or os.environ.get(URL_VARIABLE) or DEFAULT_URL, _source(args))


def _source(args: argparse.Namespace) -> str:
    return "--url" if args.url else URL_VARIABLE


def server_base(url: str, source: str) -> str:
    """Return the address of a server without slashes at its end. Raise BadOption for what is none, with the option or
    the variable that names it."""
    base = url.rstrip("/")
    if not _URL.fullmatch(base) or not _has_valid_authority(base):
        raise BadOption(f"{source}: expected http://HOST:PORT, found {without_passwords(base)!r}")
    return base


def refuse_sdk_path(base: str) -> None:
    """Raise BadOption for an address that ends with the path of an SDK, as the base URL of a client does."""
    path = re.sub(f"^{SESSION_PREFIX}[^/]+", "", urlsplit(base).path)
    if not path:  # nearly always
        return
    from mockllm.dialects.listing import LISTED_PROVIDERS  # imported only for an address with a path

    if path in {provider.base for provider in LISTED_PROVIDERS}:
        shown = without_passwords(base)
        raise BadOption(
            f"{shown}: expected the address without the path of an SDK, {shown.removesuffix(path)}"
        )


def _has_valid_authority(base: str) -> bool:
    """Return whether a URL has a host and a port that a connection accepts, and neither a query nor a fragment."""
    try:
        parts = urlsplit(base)
        host, _ = (parts.hostname or "").encode("idna"), parts.port
    except ValueError:  # also for a label that is empty or too long
        return False
    return bool(host) and not parts.query and not parts.fragment


def _token(args: argparse.Namespace) -> str:
    """Return the admin token, or an empty text. Raise BadOption, without the token, for what no header can have."""
    token = (args.admin_token or os.environ.get(TOKEN_VARIABLE) or "").strip()
    if token and not _TOKEN.fullmatch(token):
        source = "--admin-token" if args.admin_token else TOKEN_VARIABLE
        raise BadOption(f"{source}: not a token: expected one word of ASCII characters")
    return token


def _refusal(error: HTTPError, base: str) -> ApiError:
    try:
        problem = json.load(error)
        wrong = [
            (str(each["field"]), printable_line(str(each["message"]), MAX_PRINTED_LINE))
            for each in problem.get("errors", ())
        ]
        lines = [
            f"{printable_line(field, MAX_PRINTED_LINE)}: {message}" if field else message
            for field, message in wrong
        ]
        return ApiError("\n".join(lines or [printable_line(str(problem["detail"]), MAX_PRINTED_LINE)]), wrong)
    except (ValueError, KeyError, TypeError, AttributeError):
        if error.code == HTTPStatus.NOT_FOUND:
            path = urlsplit(base).path
            advice = (
                f"write the address without a path, {base.removesuffix(path)}" if path else NO_CONTROL_API
            )
            return ApiError(f"there is no control API at {base}: {advice}")
        plain = error.code == HTTPStatus.BAD_REQUEST and base.startswith("http://")
        hint = f"; {HTTPS_HINT}" if plain else ""
        return ApiError(f"the server returned {error.code} {error.reason}{hint}")
