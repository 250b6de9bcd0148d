"""Models of rules and modifiers (the catalog, the overlay, a suggested rule) and of sessions."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from mockllm.scenario.language.session import SessionId
from mockllm.server.control.models.base import RequestModel


class RuleInfo(BaseModel):
    """A rule or modifier. `tries` and `answers` are its counters, summed over all sessions and scopes."""

    id: str
    kind: Literal["rule", "modifier"]
    where: str
    layer: Literal["overlay", "session", "user", "pack"]
    session: str | None = None
    tries: int
    answers: int


class RuleList(BaseModel):
    rules: list[RuleInfo]


class OverlayDone(BaseModel):
    """The overlay after the change, and the names of the changed rules and modifiers."""

    names: list[str]
    overlay: str


class OverlayItem(BaseModel):
    """A rule or modifier of the overlay. `from_settings`: it comes from the settings of one or of all endpoints."""

    name: str
    kind: Literal["rule", "modifier"]
    from_settings: bool
    endpoint: str | None
    yaml: str


class OverlayItems(BaseModel):
    """The overlay for all sessions, one item for each rule and modifier."""

    items: list[OverlayItem]


class SuggestedRule(BaseModel):
    """A rule for requests like one of the journal, to edit."""

    yaml: str


"""A session id that a request may name."""


class SessionQuery(RequestModel):
    session: SessionId | None = None


class AddQuery(SessionQuery):
    """`file`: the body is a scenario file. Its examples are ignored, a name that is taken gets a number, and it may
    have no rules."""

    file: bool = False


class SessionPatch(RequestModel):
    """`time_scale` is the factor on all times of scenarios in this session; null: the server's."""

    time_scale: Annotated[float, Field(ge=0.0001, le=10_000, strict=True)] | None = None


class SessionInfo(BaseModel):
    """`used` is the last use in seconds since the epoch, None before the first request. `seed` is the session's
    seed, None where it is the server's, and so is `time_scale`. `overlay` counts the session's rules and modifiers,
    `requests` its requests in the journal."""

    id: str
    used: float | None
    seed: int | None
    time_scale: float | None
    overlay: int
    requests: int


class SessionList(BaseModel):
    """The last used session first. A session ends after `unused` seconds without a request."""

    sessions: list[SessionInfo]
    unused: float | None
