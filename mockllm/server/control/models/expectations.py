"""Models of a verification: the expectations of a test, and the unmet ones."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from mockllm.server.control.models.base import RequestModel


class Expectation(RequestModel):
    """A condition on the requests of the journal; without a count, at least one request must meet it."""

    match: dict[str, Any] = Field(default_factory=dict)
    """A match in the scenario language."""
    rule: str | None = None
    """The id or name of the rule that must have been selected."""
    exactly: Annotated[int, Field(ge=0)] | None = None
    at_least: Annotated[int, Field(ge=0)] | None = None
    at_most: Annotated[int, Field(ge=0)] | None = None


class VerifyBody(RequestModel):
    expect: list[Expectation] = Field(default_factory=list)
    in_order: bool = False
    """Whether the requests must have been sent in this order."""
    all_rules_used: bool = False
    no_unmatched: bool = False
    session: str | None = None
    since: Annotated[int, Field(ge=0)] = 0
    """Only requests newer than the request of this id."""


class NearestRequest(BaseModel):
    id: int
    path: str
    differences: list[str]


class UnmetExpectation(BaseModel):
    """`expect` is the number of the expectation, from 0."""

    expect: int | None = None
    message: str
    nearest: list[NearestRequest] = Field(default_factory=list)


class VerifyResult(BaseModel):
    passed: bool
    checked: int
    """Number of requests that were checked."""
    lost: int
    """Number of requests after `since` that the journal has dropped; counts may be too low by as many."""
    counts: list[int]
    failures: list[UnmetExpectation]
