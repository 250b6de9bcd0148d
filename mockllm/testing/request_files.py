"""A request out of a file, for `explain`: in neutral words as examples take them, as it was recorded (path,
headers, body), or the bare body that a client sends to a provider.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from pydantic import BaseModel, ValidationError

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import DEFAULT, REGISTERED
from mockllm.dialects.registry import generating_dialect
from mockllm.scenario.diagnostics import Diagnostic, Path, value_at
from mockllm.scenario.language.examples import ExampleStep, RequestSpec
from mockllm.scenario.source_file import NOTHING, Source
from mockllm.scenario.validation_errors import diagnostics_of, found_text
from mockllm.scenario.vocabulary import Vocabulary
from mockllm.scenario.yaml_reader import read_source
from mockllm.testing.example_requests import SentRequest, UnsupportedCall, written

W = TypeVar("W", bound=BaseModel)

NEUTRAL: Final = frozenset(
    {"provider", "api", "api_key", "session", "headers", "query", "method", "path", "body"}
)
"""Words that no provider's body has: with one of them a request is no bare body."""
EXAMPLE: Final = frozenset({"name", "request", "expect", "after", "with"})
STEPS: Final = frozenset({"name", "steps", "with"})
"""The words of a whole example, in its two forms."""


class RequestFile(Struct, frozen=True):
    """A request that was given. `guess` says what was taken for granted, where anything was; `step` counts from
    1 in an example of several, and comes `after` so many seconds."""

    provider: str | None
    sent: SentRequest
    guess: str | None = None
    step: int | None = None
    after: float = 0.0


class InvalidRequestFile(Exception):
    """No request; a line for each mistake."""

    def __init__(self, *mistakes: Diagnostic) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


def read_given(raw: bytes, name: str, vocabulary: Vocabulary) -> list[list[RequestFile]]:
    """What a file called `name` asks: lists of requests that are asked in turn, one list for each provider that
    it names. Raises Unusable."""
    try:
        data = loads(raw)
    except JSONDecodeError as error:
        message = f"this is not JSON: {error.msg}"
        raise InvalidRequestFile(Diagnostic(name, error.lineno, error.colno, "", message)) from None
    file = _File(raw, name, data, vocabulary)
    if isinstance(data, dict) and "steps" in data and data.keys() <= STEPS:
        steps = data["steps"]
        if not isinstance(steps, list) or not steps:
            raise file.unusable(("steps",), f"expected a list of steps, found {found_text(steps)}")
        return file.runs([file.step(("steps", number)) for number in range(len(steps))], stepwise=True)
    whole = isinstance(data, dict) and "request" in data and data.keys() <= EXAMPLE
    return file.runs([(0.0, file.request(("request",) if whole else ()))])


class _File(Struct, frozen=True):
    """A file with requests in it, some in neutral words and some as a client sends them."""

    raw: bytes
    name: str
    data: Json
    vocabulary: Vocabulary

    def request(self, path: Path) -> RequestFile | RequestSpec:
        data = value_at(self.data, path)
        if not isinstance(data, dict):
            raise self.unusable(path, f"a request is an object, found {found_text(data)}")
        return _of_body(data) if is_body(data) else self._word(RequestSpec, data, path)

    def step(self, path: Path) -> tuple[float, RequestFile | RequestSpec]:
        """A step's request, and how long after the answer before it comes."""
        data = value_at(self.data, path)
        if isinstance(data, dict) and isinstance(data.get("request"), dict) and is_body(data["request"]):
            rest = {key: value for key, value in data.items() if key != "request"}
            return self._word(ExampleStep, rest, path).after or 0.0, _of_body(data["request"])
        word = self._word(ExampleStep, data, path)
        return word.after or 0.0, word.request

    def runs(
        self, steps: Sequence[tuple[float, RequestFile | RequestSpec]], *, stepwise: bool = False
    ) -> list[list[RequestFile]]:
        """The steps for each provider that they name."""
        words = [word for _, word in steps if isinstance(word, RequestSpec)]
        listed: list[str | None] = [
            name for word in words if isinstance(word.provider, list) for name in word.provider
        ]
        return [
            [
                replace(self._given(word, provider), after=after, step=number if stepwise else None)
                for number, (after, word) in enumerate(steps, 1)
            ]
            for provider in dict.fromkeys(listed or [None])
        ]

    def _given(self, word: RequestFile | RequestSpec, provider: str | None) -> RequestFile:
        if isinstance(word, RequestFile):
            return word
        own = word.provider
        chosen = own if isinstance(own, str | None) else provider if provider in own else own[0]
        try:
            return RequestFile(chosen, written(word, chosen))
        except UnsupportedCall as error:
            raise InvalidRequestFile(Diagnostic(self.name, 1, 1, "api", str(error))) from None

    def _word(self, model: type[W], data: Any, path: Path) -> W:
        try:
            return model.model_validate(data, context={"vocabulary": self.vocabulary, "literal": True})
        except ValidationError as error:
            raise InvalidRequestFile(*diagnostics_of(error, self._source(), path, model)) from None

    def unusable(self, path: Path, message: str) -> InvalidRequestFile:
        return InvalidRequestFile(self._source().mistake(path, message))

    def _source(self) -> Source:
        """JSON is YAML, but for tabs: positions where that holds."""
        source = read_source(self.raw, self.name)
        return source if source.data == self.data else Source(self.name, self.data, NOTHING.marks)


def is_body(data: Mapping[str, Json]) -> bool:
    """Whether it is what a client sends: it holds a conversation, and no word that only examples have."""
    tools = data.get("tools")
    named = isinstance(tools, list) and any(isinstance(tool, str) for tool in tools)
    sent = any(provider.messages_field in data for provider in REGISTERED)
    return sent and not NEUTRAL & data.keys() and not named


def guessed(data: Mapping[str, Json]) -> str:
    """Return the provider that a body is a request to, as far as the body shows."""
    matches = (
        provider
        for provider in REGISTERED
        if provider.recognizes_body is not None and provider.recognizes_body(data)
    )
    return next(matches, DEFAULT).name


def _of_body(data: dict[str, Json]) -> RequestFile:
    provider = guessed(data)
    dialect = generating_dialect(provider)
    assert dialect is not None
    asked = dialect.build_request(NeutralRequest())
    headers = {"host": "localhost", **asked.headers}
    sent = SentRequest(asked.method, asked.path, "", headers, dumps(data))
    call = f"{asked.method} {asked.path}"
    guess = f'taken for the body of {call}; write {{"path": …, "body": …}} where that is wrong'
    return RequestFile(provider, sent, guess)
