"""Asks a running server's control API, for the commands that tell of one."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from mockllm.cli.options import BadOption
from mockllm.server.access_log import MAX_PROMPT, plain

URL: Final = "http://localhost:8080"
URL_VARIABLE: Final = "MOCKLLM_URL"
TOKEN_VARIABLE: Final = "MOCKLLM_ADMIN_TOKEN"  # noqa: S105 - the name of a variable
PATIENCE: Final = 30.0
"""Seconds to wait for an answer."""


class ApiError(Exception):
    """No answer, or a refusal, in a line for a person. `wrong`: what is wrong in the body, by its field."""

    def __init__(self, said: str, wrong: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(said)
        self.wrong = wrong


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where the server is, and what opens it."""
    parser.add_argument(
        "--url",
        default=None,
        metavar="URL",
        help=f"where the server listens (default {URL}) [{URL_VARIABLE}]",
    )
    parser.add_argument(
        "--admin-token",
        default=None,
        metavar="TOKEN",
        help=f"what a server on another machine asks for [{TOKEN_VARIABLE}]",
    )


def ask(
    given: argparse.Namespace,
    method: str,
    path: str,
    query: Mapping[str, Any] | None = None,
    body: Any = None,
) -> Any:
    """The answer's JSON. Raises Unasked."""
    raw = fetch(given, method, path, query, body)
    try:
        return json.loads(raw)
    except ValueError:
        raise ApiError(f"what answers at {_base(given)} is no mockllm with a control API") from None


def fetch(
    given: argparse.Namespace,
    method: str,
    path: str,
    query: Mapping[str, Any] | None = None,
    body: Any = None,
) -> bytes:
    """The answer's body as it is. Raises Unasked."""
    base = _base(given)
    token = given.admin_token or os.environ.get(TOKEN_VARIABLE)
    asked = {name: value for name, value in (query or {}).items() if value is not None}
    url = f"{base}{path}" + (f"?{urlencode(asked)}" if asked else "")
    request = Request(url, method=method, data=None if body is None else json.dumps(body).encode())  # noqa: S310
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=PATIENCE) as answer:
            raw: bytes = answer.read()
            return raw
    except HTTPError as error:
        with error:
            raise _refused(error, base) from None
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise ApiError(
            f"no server answers at {base}: {getattr(reason, 'strerror', None) or reason}"
        ) from None


def _base(given: argparse.Namespace) -> str:
    base = (given.url or os.environ.get(URL_VARIABLE) or URL).rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise BadOption(f"--url: expected http://HOST:PORT, found {base!r}")
    return str(base)


def _refused(error: HTTPError, base: str) -> ApiError:
    try:
        problem = json.load(error)
        wrong = [
            (str(each["field"]), plain(str(each["message"]), MAX_PROMPT))
            for each in problem.get("errors", ())
        ]
        lines = [f"{plain(field, MAX_PROMPT)}: {message}" if field else message for field, message in wrong]
        return ApiError("\n".join(lines or [plain(str(problem["detail"]), MAX_PROMPT)]), wrong)
    except (ValueError, KeyError, TypeError, AttributeError):
        if error.code == HTTPStatus.NOT_FOUND:
            return ApiError(f"there is no control API at {base}; with --admin-port it is at that port")
        return ApiError(f"the server says {error.code} {error.reason}")
