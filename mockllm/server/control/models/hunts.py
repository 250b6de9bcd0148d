"""Models of the report of a hunt, as `mockllm hunt` writes it."""

from pydantic import BaseModel


class HuntStep(BaseModel):
    """A disturbance; `text` says what it does."""

    kind: str
    text: str


class HuntExchange(BaseModel):
    """A request of the client and its response. `started` and `took` are in seconds since the run began. `left` says
    how the client or the server ended it early; `line` is the exchange in a line."""

    provider: str | None
    api: str | None
    model: str | None
    stream: bool
    turn: int
    status: int
    error: str | None
    faults: list[str]
    left: str | None
    started: float
    took: float | None
    line: str


class HuntFinding(BaseModel):
    """A schedule that breaks the client. `failures` of `replays` runs broke the rule; `file` is its scenario."""

    name: str
    rule: str
    rule_text: str
    message: str
    schedule: list[HuntStep]
    also_by: list[str]
    replays: int
    failures: int
    file: str | None
    exit_code: int | None
    stderr: str
    exchanges: list[HuntExchange]


class TriedDisturbance(BaseModel):
    """How often the runs with a disturbance had each result, and why the last one had no effect or was unclear."""

    results: dict[str, int]
    reason: str


class StoredHunt(BaseModel):
    """The report. `baseline` is the run without disturbances; `seconds` is the time of the hunt."""

    command: str
    runs: int
    replays: int
    seconds: float
    seed: int
    ended: str
    findings: list[HuntFinding]
    flaky: list[HuntFinding]
    tried: dict[str, TriedDisturbance]
    baseline: list[HuntExchange]


class LastHunt(BaseModel):
    """The report of the last hunt; null without one."""

    report: StoredHunt | None
