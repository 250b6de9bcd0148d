"""A request out of a file, for `explain`: in neutral words as examples take them, as it was recorded (path,
headers, body), or the bare body that a client sends to a provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from mockllm.core.json import Json, JSONDecodeError, dumps, loads
from mockllm.dialects.asking import Wish
from mockllm.dialects.registry import spoken
from mockllm.scenario.complaints import found_text, mistakes_in
from mockllm.scenario.language.examples import RequestWord
from mockllm.scenario.mistakes import Mistake
from mockllm.scenario.source import NOTHING, Source, read_source
from mockllm.scenario.vocabulary import Vocabulary
from mockllm.testing.asking import USUAL, Sent, Unaskable, written

NEUTRAL: Final = frozenset(
    {"provider", "api", "api_key", "session", "headers", "query", "method", "path", "body"}
)
"""Words that no provider's body has: with one of them a request is no bare body."""
SIGNS: Final[Mapping[str, frozenset[str]]] = {
    "anthropic": frozenset({"system", "stop_sequences", "anthropic_version", "thinking", "top_k"}),
    "gemini": frozenset({"contents"}),
}
"""Keys at the top of a body that only this provider's clients send, beside those of the usual one."""
MODELS: Final = {"anthropic": "claude"}
"""How the names of this provider's models begin."""


@dataclass(frozen=True, slots=True)
class Given:
    """A request that was given. `guess` says what was taken for granted, where anything was."""

    provider: str | None
    sent: Sent
    guess: str | None = None


class Unusable(Exception):
    """No request; a line for each mistake."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


def read_given(raw: bytes, name: str, vocabulary: Vocabulary) -> list[Given]:
    """The requests of a file called `name`: several where it lists providers. Raises Unusable."""
    try:
        data = loads(raw)
    except JSONDecodeError as error:
        message = f"this is not JSON: {error.msg}"
        raise Unusable(Mistake(name, error.lineno, error.colno, "", message)) from None
    if (
        isinstance(data, dict)
        and "request" in data
        and data.keys() <= {"name", "request", "expect", "after", "with"}
    ):
        data = data["request"]  # a whole example
    if not isinstance(data, dict):
        raise Unusable(Mistake(name, 1, 1, "", f"a request is an object, found {found_text(data)}"))
    if is_body(data):
        return [_of_body(data)]
    word = _word(data, raw, name, vocabulary)
    providers = word.provider if isinstance(word.provider, list) else [word.provider]
    try:
        return [Given(provider, written(word, provider)) for provider in providers]
    except Unaskable as error:
        raise Unusable(Mistake(name, 1, 1, "api", str(error))) from None


def is_body(data: Mapping[str, Json]) -> bool:
    """Whether it is what a client sends: messages or contents, and no word that only examples have."""
    tools = data.get("tools")
    named = isinstance(tools, list) and any(isinstance(tool, str) for tool in tools)
    return ("messages" in data or "contents" in data) and not NEUTRAL & data.keys() and not named


def guessed(data: Mapping[str, Json]) -> str:
    """Whose protocol a body speaks, as far as that can be told."""
    model = data.get("model")
    for provider, begins in MODELS.items():
        if isinstance(model, str) and model.startswith(begins):
            return provider
    for provider, signs in SIGNS.items():
        if signs & data.keys() or _blocks(data):
            return provider
    return USUAL


def _blocks(data: Mapping[str, Json]) -> bool:
    """Whether its tools, or blocks in its messages, have Anthropic's form."""
    tools, messages = data.get("tools"), data.get("messages")
    if isinstance(tools, list) and any(isinstance(tool, dict) and "input_schema" in tool for tool in tools):
        return True
    contents = (
        [each.get("content") for each in messages if isinstance(each, dict)]
        if isinstance(messages, list)
        else []
    )
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return any(
        isinstance(block, dict) and block.get("type") in ("tool_use", "tool_result") for block in blocks
    )


def _of_body(data: dict[str, Json]) -> Given:
    provider = guessed(data)
    dialect = spoken(provider)
    assert dialect is not None
    asked = dialect.compose(Wish())
    headers = {"host": "localhost", **asked.headers}
    sent = Sent(asked.method, asked.path, "", headers, dumps(data))
    call = f"{asked.method} {asked.path}"
    guess = f'taken for the body of {call}; write {{"path": …, "body": …}} where that is wrong'
    return Given(provider, sent, guess)


def _word(data: Any, raw: bytes, name: str, vocabulary: Vocabulary) -> RequestWord:
    try:
        return RequestWord.model_validate(data, context={"vocabulary": vocabulary, "literal": True})
    except ValidationError as error:
        source = read_source(raw, name)  # JSON is YAML, but for tabs: positions where that holds
        if source.data != data:
            source = Source(name, data, NOTHING.marks)
        raise Unusable(*mistakes_in(error, source, (), RequestWord)) from None
