"""What the control API takes and gives; its OpenAPI document is made of these."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from mockllm.engine.session_id import ID, LONGEST
from mockllm.server.exchange import EndReason


class RequestModel(BaseModel):
    """What a caller sends: what is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class NoParameters(RequestModel):
    """Of a call that takes nothing."""


# --- the journal ----------------------------------------------------------------------------------


class RequestFilter(RequestModel):
    """Which requests: all that are named must hold."""

    session: str | None = None
    endpoint: str | None = None
    """The api's name, such as openai-chat."""
    provider: str | None = None
    model: str | None = None
    rule: str | None = None
    """The rule's id, or its name."""
    status: int | None = None
    path: str | None = None
    """What the path begins with."""
    key: str | None = None
    """The hash of the API key, as requests tell it."""
    client: str | None = None
    missed: bool | None = None
    """Whether no rule answered."""
    left: EndReason | None = None
    fault: str | None = None
    """A fault that was played."""
    since: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Seconds since the epoch."""


class RequestQuery(RequestFilter):
    """Which requests, and which page of them: newest first, or from `after` on oldest first."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    before: Annotated[int, Field(ge=0)] | None = None
    """Only older ones than the request of this id."""
    after: Annotated[int, Field(ge=0)] | None = None
    """Only newer ones than the request of this id."""


class ExportQuery(RequestFilter):
    format: Literal["jsonl", "har"] = "jsonl"


class RequestSummary(BaseModel):
    """One request. `at` in seconds since the epoch, `took` in seconds."""

    id: int
    at: float
    method: str
    path: str
    client: str
    session: str | None
    key: str | None
    endpoint: str | None
    provider: str | None
    model: str | None
    rule: str | None
    modifiers: list[str]
    faults: list[str]
    error: str | None
    notes: list[str]
    status: int
    streamed: bool
    took: float
    left: EndReason
    missed: bool
    seed: str


class RequestPage(BaseModel):
    """`total` counts all there ever were; `kept` those that are still there, which take so many `bytes`, about. No
    more than `most` are kept, nor than take `most_bytes`."""

    requests: list[RequestSummary]
    total: int
    kept: int
    bytes: int
    most: int
    most_bytes: int


class HeaderPair(BaseModel):
    name: str
    value: str


class JournalRequest(BaseModel):
    """The request as it came, without its secrets. `body` where it is JSON; what is no text is `base64`."""

    headers: list[HeaderPair]
    body: JsonValue = None
    text: str | None = None
    base64: str | None = None
    whole: bool
    """False where the body was too large to be kept."""


class JournalChunk(BaseModel):
    """What left in one write, `at` so many seconds after the request's last byte."""

    at: float
    text: str | None = None
    base64: str | None = None


class JournalResponse(BaseModel):
    status: int
    headers: list[HeaderPair]
    chunks: list[JournalChunk]


class RequestDetail(RequestSummary):
    request: JournalRequest
    response: JournalResponse
    near_misses: list[str]
    """Of a request that no rule answered: the nearest rules there are now, and what differs."""


class ForgottenCount(BaseModel):
    forgotten: int


# --- verification ---------------------------------------------------------------------------------


class Expectation(RequestModel):
    """What must have been asked; once at least where no count is given."""

    match: dict[str, Any] = Field(default_factory=dict)
    """A match in the scenario language."""
    rule: str | None = None
    """The id or name of the rule that must have answered it."""
    exactly: Annotated[int, Field(ge=0)] | None = None
    at_least: Annotated[int, Field(ge=0)] | None = None
    at_most: Annotated[int, Field(ge=0)] | None = None


class VerifyBody(RequestModel):
    expect: list[Expectation] = Field(default_factory=list)
    in_order: bool = False
    """Whether they must have been asked in this order."""
    all_rules_used: bool = False
    no_unmatched: bool = False
    session: str | None = None
    since: Annotated[int, Field(ge=0)] = 0
    """Only requests newer than the one of this id."""


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
    """How many requests were looked at."""
    lost: int
    """How many the journal has let go since the first one that was asked for: counts may be too low."""
    counts: list[int]
    failures: list[UnmetExpectation]


# --- the rest -------------------------------------------------------------------------------------


Forgettable: TypeAlias = Literal["state", "journal", "metrics", "overlay"]


class ResetBody(RequestModel):
    """What to forget; all of it where nothing is named."""

    what: Annotated[list[Forgettable], Field(min_length=1)] = ["state", "journal", "metrics", "overlay"]


class ResetDone(BaseModel):
    reset: list[str]


class StaleFile(BaseModel):
    file: str
    reason: str
    left_out: bool


class Reloaded(BaseModel):
    rules: int
    files: int
    stale: list[StaleFile]


class RuleInfo(BaseModel):
    """A rule or modifier. `tries` and `answers` are what it has counted, in all sessions and scopes."""

    id: str
    kind: Literal["rule", "modifier"]
    where: str
    layer: Literal["overlay", "session", "user", "pack"]
    session: str | None = None
    tries: int
    answers: int


class RuleList(BaseModel):
    rules: list[RuleInfo]


SessionId: TypeAlias = Annotated[str, Field(max_length=LONGEST, pattern=f"^{ID.pattern}$")]
"""What a request may name."""


class SessionQuery(RequestModel):
    session: SessionId | None = None


class SessionInfo(BaseModel):
    """`used` in seconds since the epoch, None where no request has named it yet; `seed` where it has one of its own;
    `overlay` counts its own rules and modifiers, `requests` those that the journal has of it."""

    id: str
    used: float | None
    seed: int | None
    overlay: int
    requests: int


class SessionList(BaseModel):
    """The one used last first. A session ends when nobody has used it for `unused` seconds."""

    sessions: list[SessionInfo]
    unused: float | None


class OverlayDone(BaseModel):
    """The overlay after the change, and the names of what was changed."""

    names: list[str]
    overlay: str


# --- settings -------------------------------------------------------------------------------------


class SettingsPatch(RequestModel):
    """Settings in the scenario language's words; null takes one away. `chance` is that of `error` and `faults`,
    `climate` one of `GET /api/climates`."""

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
    """An endpoint: its name, the paths it is asked by, and what was set for it."""

    endpoint: str
    paths: list[str]
    settings: dict[str, JsonValue]


class EndpointList(BaseModel):
    endpoints: list[EndpointSettings]


class Config(BaseModel):
    """What was set at run time, for all endpoints and for each; `overlay` is the YAML that it stands for, and
    `folder` where it would be loaded from, were it saved."""

    model_config = ConfigDict(populate_by_name=True)

    global_: dict[str, JsonValue] = Field(alias="global")
    endpoints: dict[str, dict[str, JsonValue]]
    overlay: str
    folder: str | None


# --- what there is to choose from ------------------------------------------------------------------


class Strategy(BaseModel):
    name: str
    about: str


class Strategies(BaseModel):
    """The strategies of `limit`, and the modifiers that have one now."""

    strategies: list[Strategy]
    limits: list[str]


class Done(BaseModel):
    done: str
