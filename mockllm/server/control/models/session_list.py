"""Models of the calls on sessions."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, Field

from mockllm.engine.session_id import ID, LONGEST
from mockllm.server.control.models.base import RequestModel

SessionId: TypeAlias = Annotated[str, Field(max_length=LONGEST, pattern=f"^{ID.pattern}$")]
"""A session id that a request may name."""


class SessionQuery(RequestModel):
    session: SessionId | None = None


class SessionInfo(BaseModel):
    """`used` is the last use in seconds since the epoch, None before the first request; `seed` is the session's
    seed, None where it is the server's. `overlay` counts the session's rules and modifiers, `requests` its
    requests in the journal."""

    id: str
    used: float | None
    seed: int | None
    overlay: int
    requests: int


class SessionList(BaseModel):
    """The last used session first. A session ends after `unused` seconds without a request."""

    sessions: list[SessionInfo]
    unused: float | None
