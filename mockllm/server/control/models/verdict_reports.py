"""What is asked for verdicts, and what is told of them: beside the other models of the control API."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from mockllm.server.control.models.resources import RequestModel


class VerdictQuery(RequestModel):
    """On whom: all that are named must hold."""

    session: str | None = None
    client: str | None = None
    """A client as verdicts tell it, or only its user agent, the hash of its key or its address."""
    since: float | None = None
    """Only from requests that came at or behind this time, in seconds since the epoch."""
    over: bool = False
    """The clients are done: what they have not tried again by now they never will."""
    format: Literal["json", "junit"] = "json"


class VerdictGiven(BaseModel):
    """A verdict, its cases in a sentence, the rule of conduct behind it, and the ids of the requests that show
    it."""

    verdict: str
    good: bool
    says: str
    rule_of_conduct: str
    requests: list[int]


class ClientVerdicts(BaseModel):
    """One client in one session; `requests` is how many of its requests were looked at."""

    client: str
    session: str | None
    requests: int
    verdicts: list[VerdictGiven]


class VerdictList(BaseModel):
    clients: list[ClientVerdicts]
