"""Models of the settings that the control API sets at run time, and of the values that settings may have."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from mockllm.server.control.models.base import RequestModel


class SettingsPatch(RequestModel):
    """Settings as the scenario language writes them; null removes a setting. `chance` applies to `error` and
    `faults`; `climate` is a name from `GET /api/climates`."""

    delay: JsonValue = None
    pace: JsonValue = None
    headers: JsonValue = None
    stream: JsonValue = None
    limit: JsonValue = None
    load: JsonValue = None
    error: JsonValue = None
    faults: JsonValue = None
    chance: JsonValue = None
    climate: str | None = None


class EndpointSettings(BaseModel):
    """An endpoint: its name, its methods and paths, and its settings."""

    endpoint: str
    paths: list[str]
    settings: dict[str, JsonValue]


class EndpointList(BaseModel):
    endpoints: list[EndpointSettings]


class Config(BaseModel):
    """The settings that were changed at run time, for all endpoints and for each endpoint. `overlay` is the same
    as YAML. `folder` is the scenario folder that would load a saved overlay. `provider_origin` is the address of the
    provider routes if the control API has its own port."""

    model_config = ConfigDict(populate_by_name=True)

    global_: dict[str, JsonValue] = Field(alias="global")
    endpoints: dict[str, dict[str, JsonValue]]
    overlay: str
    folder: str | None
    provider_origin: str | None


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


class ErrorStatus(BaseModel):
    """An error with its usual status; a provider may use another status for it."""

    name: str
    status: int


class FailureModes(BaseModel):
    """The names that `error` and `faults` accept."""

    errors: list[str]
    statuses: list[ErrorStatus]
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
