"""From an example's request to what a client would send, and to the Request that the engine reads of it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import Struct

from mockllm.core.json.codec import Json, dumps
from mockllm.core.request.request import Format, Request, Tool, ToolChoice
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.providers import DEFAULT
from mockllm.dialects.registry import generating_dialect
from mockllm.engine import Engine
from mockllm.engine.session_id import SESSION
from mockllm.scenario.language.examples import NamedTool, RequestSpec, SchemaSpec


class UnsupportedCall(ValueError):
    """A call that no neutral words ask for, in a line for a person."""


class SentRequest(Struct, frozen=True):
    """A request as it arrives; `headers` by lower-case name."""

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    raw: bytes

    def read_by(self, engine: Engine, now: float) -> Request:
        """As the engine reads it; `now` in seconds since the epoch."""
        return engine.read(
            self.method, self.path, self.query_string, self.headers, self.raw, "127.0.0.1", now
        )


def written(word: RequestSpec, provider: str | None = None) -> SentRequest:
    """The request in the words of `provider`, or of the first that it names itself. Raises Unaskable."""
    asked = _asked(word, provider or _first(word.provider))
    path, _, query = (word.path or asked.path).partition("?")
    queries = [query] if query else []
    if word.query:
        queries.append(urlencode(word.query))
    headers = {"host": "localhost", **asked.headers}
    if word.session is not None:
        headers[SESSION] = word.session
    headers |= {name.lower(): value for name, value in word.headers.items()}
    raw = word.path is not None or "body" in word.model_fields_set
    body = _bytes(word.body) if raw else dumps(asked.body)
    return SentRequest(word.method or asked.method, path, "&".join(queries), headers, body)


def _first(provider: str | list[str] | None) -> str:
    if provider is None:
        return DEFAULT.name
    return provider if isinstance(provider, str) else provider[0]


def _asked(word: RequestSpec, provider: str) -> WireRequest:
    dialect = generating_dialect(provider, word.api)
    if dialect is None:
        raise UnsupportedCall(
            f"{provider} has no call {word.api} that neutral words could ask for; give its method and path"
        )
    return dialect.build_request(
        NeutralRequest(
            model=word.model,
            user="hi" if word.user is None else word.user,
            system=word.system,
            messages=word.messages,
            tools=tuple(
                Tool(tool) if isinstance(tool, str) else Tool(tool.name, tool.parameters, tool.description)
                for tool in word.tools or ()
            ),
            tool_choice=_choice(word.tool_choice),
            response_format=_format(word.response_format),
            stream=word.stream,
            max_tokens=word.max_tokens,
            stop=tuple(word.stop or ()),
            n=word.n,
            api_key=word.api_key,
        )
    )


def _choice(word: str | NamedTool | None) -> ToolChoice | None:
    if isinstance(word, NamedTool):
        return ToolChoice("named", (word.name,))
    return None if word is None else ToolChoice(word)  # type: ignore[arg-type]


def _format(word: str | SchemaSpec | None) -> Format | None:
    if isinstance(word, SchemaSpec):
        return Format("schema", word.name, word.schema_)
    return None if word is None else Format(word)  # type: ignore[arg-type]


def _bytes(body: Json) -> bytes:
    """A text as it is, all else as JSON; nothing is no body."""
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else dumps(body)
