"""Models of rules and modifiers: the catalog, the overlay, and a suggested rule."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


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
