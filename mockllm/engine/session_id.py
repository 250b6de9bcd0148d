"""The session of a request: its header names the session, or the prefix of its path."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from mockllm.core.display import brief
from mockllm.core.failure import Failure
from mockllm.core.request.server_address import MAX_SESSION_ID, SESSION_ID, SESSION_PREFIX

SESSION_HEADER: Final = "x-mockllm-session"


def read_session(header: str | None, path: str) -> tuple[str | None, str, Failure | None]:
    """Return the session that header and path name, the path without its prefix, and an error. A request with an
    error has no session."""
    if not path.startswith(SESSION_PREFIX):
        error = None if header is None else session_id_error(header, SESSION_HEADER)
        return (header if error is None else None), path, error
    id, rest = split_session(path)
    error = session_id_error(id, "the path's /s/ID")
    if error is None and header is not None and header != id:
        error = _refused(
            f"the path says {brief(id)}, and {SESSION_HEADER} says {brief(header)}; give one of them"
        )
    return (id if error is None else None), rest, error


def split_session(path: str) -> tuple[str, str]:
    """Return the id in a path that begins with SESSION_PREFIX, and the path after it."""
    id, slash, rest = path[len(SESSION_PREFIX) :].partition("/")
    return unquote(id), f"/{rest}" if slash else "/"


def path_without_session(path: str) -> str:
    """Return a path without its session, if it names one."""
    return split_session(path)[1] if path.startswith(SESSION_PREFIX) else path


def session_id_error(id: str, where: str) -> Failure | None:
    """Return the error of an id that no session can have. `where` names its place in the request."""
    if not id:
        return _refused(f"{where} is empty")
    if len(id) > MAX_SESSION_ID:
        return _refused(f"{where} has {len(id)} characters, and {MAX_SESSION_ID} at most are allowed")
    if SESSION_ID.fullmatch(id) is None:
        return _refused(f"{where} is {brief(id)}; letters, digits and . _ ~ : @ [ ] - are allowed")
    return None


def _refused(why: str) -> Failure:
    return Failure("bad_request", 400, f"mockllm knows no such session: {why}.")
