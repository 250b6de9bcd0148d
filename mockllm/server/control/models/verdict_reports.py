"""Models of the verdicts on clients."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from mockllm.server.control.models.base import RequestModel


class VerdictQuery(RequestModel):
    """Conditions on clients and requests; all that are set must be met."""

    session: str | None = None
    client: str | None = None
    """A client as verdicts name it, or only its user agent, the hash of its key or its address."""
    since: float | None = None
    """Only requests at or after this time, in seconds since the epoch."""
    over: bool = False
    """Whether the clients have finished: a request that is not retried by now counts as never retried."""
    format: Literal["json", "junit"] = "json"


class VerdictGiven(BaseModel):
    """A verdict: its name, one sentence on its cases, the rule of conduct behind it, and the ids of the requests
    that show it."""

    verdict: str
    good: bool
    says: str
    rule_of_conduct: str
    requests: list[int]


class ClientVerdicts(BaseModel):
    """One client in one session; `requests` counts its examined requests."""

    client: str
    session: str | None
    requests: int
    verdicts: list[VerdictGiven]


class VerdictList(BaseModel):
    clients: list[ClientVerdicts]
