"""What the control API tells about what there is to choose from, and what was chosen: its models."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, JsonValue

from mockllm.server.control.models.resources import RequestModel


class FaultSetting(BaseModel):
    """A setting of a fault; `choices` where it is one of a few words. `default` as a scenario has it."""

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
    """Names that `error` and `faults` know."""

    errors: list[str]
    faults: list[FaultMode]


class ClimateInfo(BaseModel):
    """A climate, and the modifiers that it stands for as YAML (of the endpoint that was asked for)."""

    name: str
    about: str
    yaml: str


class ClimateList(BaseModel):
    climates: list[ClimateInfo]


class ClimateQuery(RequestModel):
    endpoint: str | None = None


class OverlayItem(BaseModel):
    """A rule or modifier of the overlay. `from_settings`: it stands for settings, of one endpoint or of all."""

    name: str
    kind: Literal["rule", "modifier"]
    from_settings: bool
    endpoint: str | None
    yaml: str


class OverlayItems(BaseModel):
    """Everybody's overlay, piece by piece."""

    items: list[OverlayItem]


class SuggestedRule(BaseModel):
    """A rule for requests like one of the journal, to edit."""

    yaml: str
