"""Requests from files, for `explain`. A file has the neutral form of examples, or a recorded request (path, headers,
body). Or it has the bare body that a client sends to a provider, or entries of the journal (`mockllm requests
--json`, its export).
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from msgspec import Struct, convert
from msgspec import ValidationError as MsgspecValidationError
from msgspec.structs import replace
from pydantic import BaseModel, ValidationError

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.provider import Provider, ProviderRoute
from mockllm.dialects.providers import DEFAULT, REGISTERED, generating_dialect
from mockllm.scenario.diagnostics import Diagnostic, Path, limited_suggestions, value_at
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language.examples import NEUTRAL_KEYS, ExampleStep, RequestSpec
from mockllm.scenario.source_file import EMPTY_SOURCE, Source
from mockllm.scenario.validation_errors import describe_value, diagnostics_of
from mockllm.scenario.yaml_reader import read_source
from mockllm.testing.example_requests import (
    DEFAULT_USER,
    SentRequest,
    UnsupportedCall,
    build_sent_request,
    chosen_provider,
)

W = TypeVar("W", bound=BaseModel)

NEUTRAL: Final = frozenset(
    {"provider", "api", "api_key", "session", "headers", "query", "method", "path", "body"}
)
"""Keys that no provider's body has. A request with one of them is not a bare body."""
EXAMPLE: Final = frozenset({"name", "request", "expect", "after", "with"})
STEPS: Final = frozenset({"name", "steps", "with"})
"""The keys of a complete example, in its two forms."""
BODY_OR_EXAMPLE: Final = frozenset(NEUTRAL_KEYS) - {"user", "messages", "mcp"}
"""Keys that bodies have, too. A request with these alone has the default text of the user."""

JOURNAL_KEYS: Final = frozenset({"id", "method", "path", "status", "missed"})
"""Keys by which an entry of the journal differs from all other forms of a request."""


class JournalHeader(Struct):
    name: str
    value: str


class JournalLineRequest(Struct):
    """The request of a journal entry: its body as JSON, as text or in base64."""

    headers: list[JournalHeader]
    body: Json = None
    text: str | None = None
    base64: str | None = None
    whole: bool = True


class JournalLine(Struct):
    """The part of a journal entry that a request is made from."""

    id: int
    method: str
    path: str
    request: JournalLineRequest


class RequestFile(Struct, frozen=True):
    """A request from a file. `guess` is a note about an assumption, or None. `step` counts from 1 in an example with
    several steps; `after` is the wait before it in seconds."""

    sent: SentRequest
    guess: str | None = None
    step: int | None = None
    after: float = 0.0


class InvalidRequestFile(Exception):
    """An invalid file; the message has a line for each mistake."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("\n".join(map(str, diagnostics)))
        self.diagnostics = diagnostics


@limited_suggestions()
def read_request_file(raw: bytes, name: str, known_names: KnownNames) -> list[list[RequestFile]]:
    """Return the requests of a file: a list of steps for each provider that the file names. Raise
    InvalidRequestFile."""
    try:
        data = loads(raw)
    except JSONDecodeError as error:
        entries = _json_lines(raw)
        if entries:
            return [[_from_journal(entry, name, line)] for line, entry in entries]
        message = f"this is not JSON: {error.msg}"
        raise InvalidRequestFile(Diagnostic(name, error.lineno, error.colno, "", message)) from None
    if _is_journal_entry(data):
        return [[_from_journal(data, name, 1)]]
    file = _File(raw, name, data, known_names)
    if isinstance(data, dict) and "steps" in data and data.keys() <= STEPS:
        steps = data["steps"]
        if not isinstance(steps, list) or not steps:
            raise file.unusable(("steps",), f"expected a list of steps, found {describe_value(steps)}")
        return file.runs([file.step(("steps", number)) for number in range(len(steps))], stepwise=True)
    whole = isinstance(data, dict) and "request" in data and data.keys() <= EXAMPLE
    return file.runs([(0.0, file.request(("request",) if whole else ()))])


class _File(Struct, frozen=True):
    """A file with requests, some in neutral form and some as bodies of clients."""

    raw: bytes
    name: str
    data: Json
    known_names: KnownNames

    def request(self, path: Path) -> RequestFile | RequestSpec:
        data = value_at(self.data, path)
        if not isinstance(data, dict):
            raise self.unusable(path, f"a request is an object, found {describe_value(data)}")
        if is_body(data):
            return _from_body(data)
        try:
            return self._word(RequestSpec, data, path)
        except InvalidRequestFile as error:
            if NEUTRAL & data.keys():
                raise
            raise InvalidRequestFile(*map(_with_body_hint, error.diagnostics)) from None

    def step(self, path: Path) -> tuple[float, RequestFile | RequestSpec]:
        """Return the wait after the response before, and the request of a step."""
        data = value_at(self.data, path)
        if isinstance(data, dict) and isinstance(data.get("request"), dict) and is_body(data["request"]):
            rest = {key: value for key, value in data.items() if key != "request"}
            return self._word(ExampleStep, rest, path).after or 0.0, _from_body(data["request"])
        word = self._word(ExampleStep, data, path)
        return word.after or 0.0, word.request

    def runs(
        self, steps: Sequence[tuple[float, RequestFile | RequestSpec]], *, stepwise: bool = False
    ) -> list[list[RequestFile]]:
        """Return the steps for each provider that they name."""
        words = [word for _, word in steps if isinstance(word, RequestSpec)]
        lists = [word.provider for word in words if isinstance(word.provider, list)]
        listed: list[str | None] = [name for names in lists for name in names]
        return [
            [
                replace(self._request_file(word, provider), after=after, step=number if stepwise else None)
                for number, (after, word) in enumerate(steps, 1)
            ]
            for provider in dict.fromkeys(listed or [None])
        ]

    def _request_file(self, word: RequestFile | RequestSpec, provider: str | None) -> RequestFile:
        if isinstance(word, RequestFile):
            return word
        try:
            return RequestFile(
                build_sent_request(word, chosen_provider(word, provider)), self._default_text()
            )
        except UnsupportedCall as error:
            raise InvalidRequestFile(Diagnostic(self.name, 1, 1, "api", str(error))) from None

    def _default_text(self) -> str | None:
        """Return the note on a file that may be a body without messages; None for other files."""
        if not isinstance(self.data, dict) or not self.data.keys() <= BODY_OR_EXAMPLE:
            return None
        return f'read as the request of an example: user "{DEFAULT_USER}"; write {{"body": …}} for a body'

    def _word(self, model: type[W], data: Json, path: Path) -> W:
        try:
            return model.model_validate(data, context={"known_names": self.known_names, "literal": True})
        except ValidationError as error:
            raise InvalidRequestFile(*diagnostics_of(error, self._source(), path, model)) from None

    def unusable(self, path: Path, message: str) -> InvalidRequestFile:
        return InvalidRequestFile(self._source().diagnostic(path, message))

    def _source(self) -> Source:
        """Return the source with positions, if the JSON is also valid YAML (it is, except for tabs)."""
        source = read_source(self.raw, self.name)
        return source if source.data == self.data else Source(self.name, self.data, EMPTY_SOURCE.marks)


def _with_body_hint(diagnostic: Diagnostic) -> Diagnostic:
    """Return a mistake that no suggestion mends with the way to write a provider's body."""
    hint = f'{diagnostic.message}; for a provider\'s body write {{"path": "/v1/responses", "body": …}}'
    return replace(diagnostic, message=hint) if diagnostic.message == "unknown key" else diagnostic


def is_body(data: Mapping[str, Json]) -> bool:
    """Return whether it is a client's body: it has a conversation or an input, and no key that only examples have."""
    tools = data.get("tools")
    named = isinstance(tools, list) and any(isinstance(tool, str) for tool in tools)
    sent = _has_messages(data) or guess_route(data) is not None
    return sent and not NEUTRAL & data.keys() and not named


def _has_messages(data: Mapping[str, Json]) -> bool:
    return any(provider.messages_field in data for provider in REGISTERED)


def guess_route(data: Mapping[str, Json]) -> ProviderRoute | None:
    """Return the route of the default provider that a body without messages is sent to, None without such a one."""
    known = ((route, route.call.recognizes_body) for route in DEFAULT.routes)
    return next((route for route, recognizes in known if recognizes and recognizes(data)), None)


def guess_provider(data: Mapping[str, Json]) -> Provider:
    """Return the provider that a body is a request to, as far as the body shows."""
    known = ((provider, provider.recognizes_body) for provider in REGISTERED)
    return next((provider for provider, recognizes in known if recognizes and recognizes(data)), DEFAULT)


def _json_lines(raw: bytes) -> list[tuple[int, Json]]:
    """Return the entries of a journal's export with their line numbers; none if another line is among them."""
    entries: list[tuple[int, Json]] = []
    for number, line in enumerate(raw.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entries.append((number, loads(line)))
        except JSONDecodeError:
            return []
        if not _is_journal_entry(entries[-1][1]):
            return []
    return entries


def _is_journal_entry(data: Json) -> bool:
    return isinstance(data, dict) and data.keys() >= JOURNAL_KEYS


def _from_journal(data: Json, name: str, line: int) -> RequestFile:
    """Return the request of a journal entry, which has lost its keys."""
    try:
        entry = convert(data, JournalLine)
        body = b64decode(entry.request.base64 or "", validate=True)
    except (MsgspecValidationError, ValueError) as error:
        message = f"this is no whole entry of the journal: {error}"
        raise InvalidRequestFile(Diagnostic(name, line, 1, "", message)) from None
    if entry.request.text is not None:
        body = entry.request.text.encode()
    elif entry.request.base64 is None and entry.request.body is not None:
        body = dumps(entry.request.body)
    headers = {pair.name.lower(): pair.value for pair in entry.request.headers}
    headers.pop("content-length", None)
    path, _, query = entry.path.partition("?")
    guess = f"request {entry.id} of a journal, without its keys"
    if not entry.request.whole:
        guess += "; its body was too large for the journal"
    return RequestFile(SentRequest(entry.method, path, query, headers, body), guess)


def _from_body(data: dict[str, Json]) -> RequestFile:
    provider = guess_provider(data)
    dialect = generating_dialect(provider.name)
    assert dialect is not None
    wire = dialect.build_request(NeutralRequest())
    route = None if provider.messages_field in data else guess_route(data)
    path = wire.path if route is None else route.path
    headers = {"host": "localhost", **wire.headers}
    sent = SentRequest(wire.method, path, "", headers, dumps(data))
    call = f"{wire.method} {path}"
    guess = f'assumed to be the body of {call}; otherwise write {{"path": …, "body": …}}'
    return RequestFile(sent, guess)
