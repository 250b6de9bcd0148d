"""Models of the lists of values that a setting may have."""

from __future__ import annotations

from pydantic import BaseModel, JsonValue

from mockllm.server.control.models.base import RequestModel


class FaultSetting(BaseModel):
    """A setting of a fault. `default` is written as in a scenario; `choices` lists all values of an enumeration."""

    name: str
    about: str
    default: JsonValue
    choices: list[str]


class FaultMode(BaseModel):
    name: str
    about: str
    family: str
    settings: list[FaultSetting]


class FailureModes(BaseModel):
    """The names that `error` and `faults` accept."""

    errors: list[str]
    faults: list[FaultMode]


class ClimateInfo(BaseModel):
    """A climate, and its modifiers as YAML, for the endpoint of the query."""

    name: str
    about: str
    yaml: str


class ClimateList(BaseModel):
    climates: list[ClimateInfo]


class ClimateQuery(RequestModel):
    endpoint: str | None = None


class Strategy(BaseModel):
    name: str
    about: str


class Strategies(BaseModel):
    """The strategies of `limit`, and the modifiers that have a limit now."""

    strategies: list[Strategy]
    limits: list[str]
