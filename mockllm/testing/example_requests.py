"""Conversion of an example's request to a client's request, and to the Request of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from msgspec import Struct

from mockllm.core.json.codec import Json, dumps
from mockllm.core.request.request import Tool
from mockllm.core.request.response_parameters import Format
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.mcp.request_builder import call_request
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.providers import DEFAULT, generating_dialect
from mockllm.engine import Engine
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.session_id import SESSION_HEADER
from mockllm.scenario.language.examples import McpRequestSpec, NamedTool, RequestSpec, SchemaSpec

DEFAULT_USER: Final = "hi"
"""The text of the user in a request that has none."""


class UnsupportedCall(ValueError):
    """A call without a neutral form; the message is one line."""


class SentRequest(Struct, frozen=True):
    """A request as it arrives; `headers` by lower-case name."""

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    raw: bytes

    def read_by(
        self, engine: Engine, now: float, monotonic: float | None = None, *, uses_session: bool = True
    ) -> EngineRequest:
        """Return the request that the engine reads; `now` is in seconds since the epoch. `uses_session`: whether that
        is a use of its session."""
        head = (self.method, self.path, self.query_string, self.headers)
        reader = engine.request_reader(*head)
        return reader.read(self.raw, "127.0.0.1", now, monotonic, uses_session=uses_session)


def build_sent_request(spec: RequestSpec, provider: str | None = None) -> SentRequest:
    """Return the request in the form of `provider`, default the first one that it names. Raise UnsupportedCall."""
    wire = _wire_request(spec, provider or chosen_provider(spec, None) or DEFAULT.name)
    path, _, query = (spec.path or wire.path).partition("?")
    queries = [query] if query else []
    if spec.query:
        queries.append(urlencode(spec.query))
    headers = {"host": "localhost", **wire.headers}
    if spec.session is not None:
        headers[SESSION_HEADER] = spec.session
    headers |= {name.lower(): value for name, value in spec.headers.items()}
    raw = spec.path is not None or "body" in spec.model_fields_set
    body = _bytes(spec.body) if raw else dumps(wire.body)
    return SentRequest(spec.method or wire.method, path, "&".join(queries), headers, body)


def chosen_provider(spec: RequestSpec, provider: str | None) -> str | None:
    """Return the provider of a request in a run for `provider`: that one if the request lists it. None is the default
    provider."""
    if isinstance(spec.provider, list):
        return provider if provider in spec.provider else spec.provider[0]
    return spec.provider


def _mcp_server_request(spec: McpRequestSpec) -> WireRequest:
    words: dict[str, Json] = {"arguments": spec.arguments, "inputResponses": spec.responses}
    params = {name: value for name, value in words.items() if value is not None}
    return call_request(spec.server, *spec.called, {**params, **spec.params})


def _wire_request(spec: RequestSpec, provider: str) -> WireRequest:
    if spec.mcp is not None:
        return _mcp_server_request(spec.mcp)
    dialect = generating_dialect(provider, spec.api)
    if dialect is None:
        raise UnsupportedCall(
            f"{provider} has no call {spec.api} with a neutral form; write its method and path"
        )
    return dialect.build_request(
        NeutralRequest(
            model=spec.model,
            user=DEFAULT_USER if spec.user is None else spec.user,
            system=spec.system,
            messages=spec.messages,
            tools=tuple(
                Tool(tool) if isinstance(tool, str) else Tool(tool.name, tool.parameters, tool.description)
                for tool in spec.tools or ()
            ),
            tool_choice=_choice(spec.tool_choice),
            response_format=_format(spec.response_format),
            stream=spec.stream,
            max_tokens=spec.max_tokens,
            stop=tuple(spec.stop or ()),
            n=spec.n,
            api_key=spec.api_key,
        )
    )


def _choice(spec: str | NamedTool | None) -> ToolChoice | None:
    if isinstance(spec, NamedTool):
        return ToolChoice("named", (spec.name,))
    return None if spec is None else ToolChoice(spec)  # type: ignore[arg-type]


def _format(spec: str | SchemaSpec | None) -> Format | None:
    if isinstance(spec, SchemaSpec):
        return Format("schema", spec.name, spec.schema_)
    return None if spec is None else Format(spec)  # type: ignore[arg-type]


def _bytes(body: Json) -> bytes:
    """Return a text unchanged, other values as JSON, and no bytes for None."""
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else dumps(body)
