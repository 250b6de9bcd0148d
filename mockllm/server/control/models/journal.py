"""Models of the calls on the journal: filters, pages, single entries, verification and verdicts."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue

from mockllm.core.json.codec import Json
from mockllm.scenario.text_forms import BASE_URL, KEY
from mockllm.server.control.models.base import RequestModel
from mockllm.server.exchange import EndReason


class RequestFilter(RequestModel):
    """Conditions on requests; a request must meet all that are set."""

    session: str | None = None
    endpoint: str | None = None
    """The endpoint's name, such as openai-chat; `none` for requests of no endpoint."""
    provider: str | None = None
    model: str | None = None
    rule: str | None = None
    """The rule's id, or its name."""
    status: int | None = None
    path: str | None = None
    """The start of the path."""
    key: str | None = None
    """The hash of the API key, as requests show it."""
    client: str | None = None
    missed: bool | None = None
    """Whether no rule matched."""
    kind: Literal["errors", "faults", "streams"] | None = None
    """Requests with a status of 400 and above, with any fault, or with a stream."""
    left: EndReason | None = None
    fault: str | None = None
    """A fault that was played."""
    text: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    """A text in the body of the request or in the response; case does not matter."""
    since: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Seconds since the epoch."""


class RequestQuery(RequestFilter):
    """Conditions on requests, and one page of them: newest first, or with `after` oldest first."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    before: Annotated[int, Field(ge=0)] | None = None
    """Only requests older than the request of this id."""
    after: Annotated[int, Field(ge=0)] | None = None
    """Only requests newer than the request of this id."""


class ExportQuery(RequestFilter):
    format: Literal["jsonl", "har"] = "jsonl"
    search: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    """Words that the request's line of the dashboard's list has, or a text of three or more characters in the body
    or the response."""
    until: Annotated[int, Field(ge=0)] | None = None
    """Only requests up to this id."""


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
    unsent: bool
    """Whether no byte of the response was sent; `status` is the planned one then."""
    streamed: bool
    took: float
    left: EndReason
    missed: bool
    retry: str
    """The number of the retry, as the SDK sent it; empty for a first try."""
    seed: str
    near_misses: list[str]
    """For an unmatched request: the nearest rules when it came, and the differences."""


class RequestPage(BaseModel):
    """`total` counts all requests since the start. `kept` counts the requests in the journal, which use about
    `bytes` bytes. The journal stores at most `most` requests and `most_bytes` bytes."""

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
    """The request as received, without its secrets. `body` is set for JSON, `text` for other text, and `base64`
    for bytes that are not text. JSON has `text`, too, if it has a number that
    JavaScript writes differently."""

    headers: list[HeaderPair]
    body: JsonValue = None
    text: str | None = None
    base64: str | None = None
    whole: bool
    """False where the body was too large for the journal."""


class JournalChunk(BaseModel):
    """The bytes of one write; `at` is in seconds after the request's last byte."""

    at: float
    text: str | None = None
    base64: str | None = None


class JournalResponse(BaseModel):
    status: int
    headers: list[HeaderPair]
    chunks: list[JournalChunk]


class RequestDetail(RequestSummary):
    """One request in full. `near_misses` are those of the present rules."""

    request: JournalRequest
    response: JournalResponse


class ReplayBody(RequestModel):
    """The server that gets the request of the journal again."""

    server: Annotated[str, Field(pattern=BASE_URL, max_length=2000)]
    """Its base URL, such as http://localhost:9000."""
    body: str | None = None
    """A body in place of the request's own."""
    key: Annotated[str, Field(pattern=KEY, max_length=4000)] | None = None
    """The API key, which the journal does not store; it is used once, and not stored either."""


class ReplayedResponse(BaseModel):
    """The response of that server, without the key. `took` in seconds; `whole` is false where the body was too
    large."""

    url: str
    status: int
    headers: list[HeaderPair]
    text: str | None = None
    base64: str | None = None
    whole: bool
    took: float


class ForgottenCount(BaseModel):
    forgotten: int


class Expectation(RequestModel):
    """A condition on the requests of the journal; without a count, at least one request must meet it."""

    match: dict[str, Json] = Field(default_factory=dict)
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
    """Whether each rule of the scenario files and overlays must have been selected. Fallbacks and rules of packs do
    not count, nor rules of the overlays of other sessions."""
    no_unmatched: bool = False
    max_cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """The most that the requests may cost at list prices, in US dollars."""
    session: str | None = None
    since: Annotated[int, Field(ge=0)] = 0
    """Only requests newer than the request of this id."""


class NearestRequest(BaseModel):
    id: int
    path: str
    model: str | None = None
    rule: str | None = None
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
    cost: float | None = None
    """US dollars of these requests at list prices; None where a price is unknown."""


class ClientVerdicts(BaseModel):
    """One client in one session; `requests` counts its examined requests."""

    client: str
    session: str | None
    requests: int
    verdicts: list[VerdictGiven]


class VerdictList(BaseModel):
    clients: list[ClientVerdicts]
