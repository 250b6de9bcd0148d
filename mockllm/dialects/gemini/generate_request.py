"""Parses generateContent requests into the neutral form. No function raises on any JSON.

Bodies are protobuf messages in JSON: every field may be in snake_case, and a list of one may be written as its only
item.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from propcache.api import cached_property

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.request.divided_bodies import DividedBody
from mockllm.core.request.messages import (
    CallPart,
    MediaPart,
    MessagePart,
    OtherPart,
    ResultPart,
    Role,
    ThinkingPart,
)
from mockllm.core.request.read_turns import ReadTurns
from mockllm.core.request.request import Message, Request, TextPart, Tool, estimate_input
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.stored_objects import ObjectLookup, StoredObject
from mockllm.core.request.tools import TOOL_ATTRIBUTES, ToolChoice
from mockllm.core.request.typed_memo import MemoKey
from mockllm.core.tokens import estimate
from mockllm.dialects.gemini.cached_content import (
    cached_name,
    cached_tokens,
    find_cached,
    has_expired,
    with_cached,
)
from mockllm.dialects.gemini.camel_case import MAX_DEPTH, SCHEMA_DATA, SCHEMA_NAMES, camel_case_fields
from mockllm.dialects.gemini.file_search.retrieval import RetrievedContexts, named_stores
from mockllm.dialects.gemini.function_results import unwrap_result
from mockllm.dialects.gemini.media_tokens import NO_MEDIA, Modalities, count_names, media_of, media_tokens
from mockllm.dialects.gemini.validators import integer_of

DEFAULT_MODEL: Final = "gemini-3.5-flash"
"""The model where neither the rule nor the request names one, and of examples."""
_SNAKE: Final = re.compile(rb'"[a-z0-9]++_[a-z0-9_]*+"\s*+:')
"""Without backtracking: a text of a body may have millions of these letters."""
_SNAKE_OUTSIDE: Final = MemoKey[bool]()

PROMPT_TOKENS: Final = 1
MESSAGE_TOKENS: Final = 2
"""The tokens of a prompt, and of each of its messages, in addition to their texts, according to recordings."""
MAX_LOGPROBS: Final = 20
"""The maximum number of alternatives of a token, also where no check ran."""
MAX_CANDIDATES: Final = 8
"""The maximum number of candidates of a request, also where no check ran."""
ROLES: Final[dict[Json, Role]] = {None: "user", "user": "user", "model": "assistant", "function": "user"}
"""The neutral roles. A content without a role is the user's; `function` is the older role of results."""


class GeminiRequest(Request):
    """Any request to these endpoints: the path contains the model; a header or the query contains the key."""

    dialect = "gemini"

    @cached_property
    def api_key(self) -> str | None:
        return self.headers.get("x-goog-api-key") or self.query.get("key") or super().api_key

    @cached_property
    def vertex(self) -> bool:
        """Whether the request is for Vertex AI, whose responses have other details."""
        path = self.path
        return "/publishers/" in path or "/projects/" in path or path.startswith("/v1beta1/")

    @cached_property
    def sse(self) -> bool:
        """Whether a stream is sent as server-sent events; else as a JSON array."""
        return self.stream and "sse" in (self.query.get("alt"), self.query.get("$alt"))

    @cached_property
    def numbered(self) -> bool:
        """Whether the response contains enums as numbers, as Google's generated clients request."""
        return self.query.get("$alt", "").endswith("enum-encoding=int")

    @cached_property
    def message(self) -> dict[str, Json]:
        """The body with its fields in camelCase."""
        fields = self.fields
        message: dict[str, Json] = camel_case_fields(fields) if self.snake_case else fields
        return message

    @cached_property
    def snake_case(self) -> bool:
        """Whether a name in the body may be in snake_case."""
        divided = self.divided_body
        if divided is None:
            return _is_snake_case(self.raw)
        remaining_members = divided.remaining_members
        outside = divided.cached_by_remaining_members(
            _SNAKE_OUTSIDE,
            lambda: _is_snake_case(remaining_members.bytes_before + b" " + remaining_members.bytes_after),
        )
        return outside or divided.sum_turns(_is_snake_case, _is_snake_case) > 0


def as_google_request(request: Request) -> GeminiRequest:
    """Return the request as one to these endpoints, whatever its class."""
    if isinstance(request, GeminiRequest):
        return request
    return GeminiRequest(
        method=request.method,
        path=request.path,
        headers=request.headers,
        raw=request.raw,
        query_string=request.query_string,
    )


class GenerateRequest(GeminiRequest):
    """POST …/models/{model}:generateContent and :streamGenerateContent."""

    api = "generate"
    generates = True
    turns_field: ClassVar[str | None] = "contents"
    shared_attributes: ClassVar[tuple[str, ...]] = (
        *TOOL_ATTRIBUTES, "output_bounds", "modalities", "logprobs", "omits_thinking", "offers_functions",
        "searches_files", "system", "system_tokens",
    )  # fmt: skip

    def share_attributes(self, divided: DividedBody) -> None:
        # a cached content adds tools; names in snake_case, which turns may have, change how the tools are read
        if cached_name(self.fields) is None and not self.snake_case:
            super().share_attributes(divided)

    @cached_property
    def stream(self) -> bool:
        return self.path.endswith(":streamGenerateContent")

    @cached_property
    def cached(self) -> StoredObject | None:
        """The cached content that the body names, unless it has expired."""
        name = cached_name(self.fields)
        stored = None if name is None else find_cached(self.object_lookup, name)
        return None if stored is None or has_expired(stored, self.now) else stored

    @cached_property
    def modalities(self) -> list[str]:
        """The kinds of content that the response may have: TEXT, IMAGE, AUDIO; empty where the client names none."""
        names = list_of(self.config.get("responseModalities"))
        return [name.upper() for name in names if type(name) is str]

    @cached_property
    def aspect_ratio(self) -> Json:
        """The width and height of generated images, such as `16:9`."""
        return object_of(self.config.get("imageConfig")).get("aspectRatio")

    @cached_property
    def logprobs(self) -> int | None:
        """The number of each token's alternatives (0 to 20); None where the client wants no probabilities."""
        config = self.config
        if config.get("responseLogprobs") is not True:
            return None
        return min(max(integer_of(config.get("logprobs")) or 0, 0), MAX_LOGPROBS)

    @cached_property
    def cached_tokens(self) -> int:
        """The tokens of the prompt that are read from a cached content."""
        return 0 if self.cached is None else cached_tokens(self.cached)

    @cached_property
    def media(self) -> Modalities:
        """The tokens of the prompt's media by modality."""
        divided = self.divided_body
        if self.cached is None:
            names = count_names(self.raw) if divided is None else divided.sum_turns(count_names, count_names)
            if not names:
                return NO_MEDIA
        return media_tokens(media_of(list_of(self.message.get("contents"))), self.model)

    @property
    def divided_body(self) -> DividedBody | None:
        """None where the store has a part of the prompt: what other bodies have taught does not cover it."""
        return None if self.cached is not None else super().divided_body

    @cached_property
    def message(self) -> dict[str, Json]:
        """The body with its fields in camelCase, and what its cached content has."""
        message = super().message
        return message if self.cached is None else with_cached(message, self.cached)

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """The messages; adjacent contents of the model are one."""
        return self.read_messages(list_of(self.message.get("contents")), add_turn)

    @cached_property
    def system(self) -> str | None:
        instruction = self.message.get("systemInstruction")
        if type(instruction) is str:
            return instruction
        texts = [
            part["text"]
            for part in list_of(object_of(instruction).get("parts"))
            if type(object_of(part).get("text")) is str
        ]
        return "\n".join(texts) if texts else None

    @cached_property
    def thinking_returned(self) -> bool | None:
        """Whether the last turn of the model has a thought or a thought's signature."""
        for content in map(object_of, reversed(list_of(self.fields.get("contents")))):
            if content.get("role") == "model":
                parts = list(map(object_of, list_of(content.get("parts"))))
                signed = any(part.get("thoughtSignature") is not None for part in parts)
                return signed or any(part.get("thought") is True for part in parts)
        return None

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        """The functions; a tool of another kind is known by it."""
        result: list[Tool] = []
        for entry in list_of(self.message.get("tools")):
            for kind, value in object_of(entry).items():
                if kind == "functionDeclarations":
                    result += (
                        tool
                        for entry_ in list_of(value)
                        if (tool := self._function(object_of(entry_))) is not None
                    )
                elif value is not None:
                    result.append(Tool(kind, kind=kind))
        return tuple(result)

    @cached_property
    def searches_files(self) -> bool:
        """Whether the request has a tool of the service that searches files."""
        return any(tool.kind == "fileSearch" for tool in self.tools)

    @cached_property
    def offers_functions(self) -> bool:
        """Whether the request has functions, not only tools of the service."""
        return any(tool.kind == "function" for tool in self.tools)

    @cached_property
    def retrieved_contexts(self) -> RetrievedContexts | None:
        """The documents that a search of files finds; None where the request has no such tool."""
        if not self.searches_files:
            return None
        return RetrievedContexts(self.object_lookup, named_stores(list_of(self.message.get("tools"))))

    @cached_property
    def tool_choice(self) -> ToolChoice:
        config = object_of(object_of(self.message.get("toolConfig")).get("functionCallingConfig"))
        names = tuple(name for name in list_of(config.get("allowedFunctionNames")) if type(name) is str)
        match (text_of(config.get("mode")) or "").upper():
            case "ANY":
                return ToolChoice("named" if len(names) == 1 else "any", names)
            case "NONE":
                return ToolChoice("none")
        return ToolChoice("auto", names)

    @cached_property
    def response_format(self) -> Format:
        config = self.config
        mime = config.get("responseMimeType")
        if mime not in ("application/json", "text/x.enum"):
            return Format()
        schema = self._first_schema(config, "responseJsonSchema", "responseSchema")
        if schema is None:
            return Format("json")
        title = object_of(schema).get("title")
        name = title if type(title) is str else None
        return Format("schema", name, schema, bare=mime == "text/x.enum")

    @cached_property
    def output_bounds(self) -> OutputBounds:
        config = self.config
        n, most = integer_of(config.get("candidateCount")), integer_of(config.get("maxOutputTokens"))
        return OutputBounds(
            n=1 if n is None or n < 1 else min(n, MAX_CANDIDATES),
            stop=tuple(text for text in list_of(config.get("stopSequences")) if type(text) is str),
            max_tokens=None if most is None or most < 1 else most,
        )

    @cached_property
    def input_tokens(self) -> int:
        return estimate_input(self, PROMPT_TOKENS, MESSAGE_TOKENS) + self.system_tokens

    @cached_property
    def system_tokens(self) -> int:
        """The estimated tokens of the system instruction."""
        return estimate(self.system or "")

    @cached_property
    def config(self) -> dict[str, Json]:
        return object_of(self.message.get("generationConfig"))

    def _function(self, declaration: dict[str, Json]) -> Tool | None:
        name = text_of(declaration.get("name"))
        if name is None:
            return None
        schema = self._first_schema(declaration, "parametersJsonSchema", "parameters")
        return Tool(name, schema, text_of(declaration.get("description")))

    def _first_schema(self, holder: dict[str, Json], json_name: str, own_name: str) -> Json:
        """Return the JSON Schema, else the schema of Google's own. It has its fields in camelCase, as in messages:
        google-genai writes `min_items`."""
        schema = holder.get(json_name)
        if schema is not None:
            return schema
        schema = holder.get(own_name)
        if not self.snake_case:
            return schema
        return camel_case_fields(schema, 4 * MAX_DEPTH, SCHEMA_DATA, SCHEMA_NAMES)

    @cached_property
    def omits_thinking(self) -> bool:
        """Whether the request explicitly declines thoughts."""
        return object_of(self.config.get("thinkingConfig")).get("includeThoughts") is False


def list_of(value: Json) -> list[Json]:
    """Return the list; a single value becomes a list of one."""
    if value is None:
        return []
    return value if type(value) is list else [value]


def _is_snake_case(data: bytes) -> bool:
    return _SNAKE.search(data) is not None


def add_turn(turns: ReadTurns, item: Json, lookup: ObjectLookup) -> None:
    """Add the messages of a content: its tool results, where it has any, and its other parts. Adjacent
    messages of the model become one: a client may send back each chunk of a stream."""
    fields, tools_by_call_id = object_of(item), turns.tools_by_call_id
    role = fields.get("role")
    neutral = ROLES.get(role) if role is None or type(role) is str else None
    if neutral is None or not fields:
        return
    entries = [object_of(part) for part in list_of(fields.get("parts"))]
    results: list[MessagePart] = []
    for entry in entries:
        if type(entry.get("functionResponse")) is dict:
            results += _result(entry["functionResponse"], tools_by_call_id)
    others = [part for entry in entries if (part := _part(entry, tools_by_call_id)) is not None]
    if results:
        turns.join(Message("tool", tuple(results)))
    if others or not results:
        turns.join(Message(neutral, tuple(others)))


def _part(entry: dict[str, Json], tools_by_call_id: dict[str, str | None]) -> MessagePart | None:
    """Return a part that is not a function's response."""
    text = entry.get("text")
    if type(text) is str:
        return ThinkingPart(text) if entry.get("thought") is True else TextPart(text)
    for key in ("inlineData", "fileData"):
        if entry.get(key) is not None:
            return _media(object_of(entry[key]).get("mimeType"))
    if type(entry.get("functionCall")) is dict:
        fields = entry["functionCall"]
        arguments = fields.get("args")
        arguments = {} if arguments is None else arguments
        call = CallPart(text_of(fields.get("id")), text_of(fields.get("name")), arguments)
        if call.id is not None:
            tools_by_call_id[call.id] = call.name
        return call
    if entry.get("functionResponse") is not None:
        return None
    return OtherPart(next((kind for kind, value in entry.items() if value is not None), ""))


def _media(mime: Json) -> MediaPart:
    kind = mime.partition("/")[0] if type(mime) is str else ""
    return MediaPart("image" if kind == "image" else "audio" if kind == "audio" else "file")


def _result(response: dict[str, Json], tools_by_call_id: dict[str, str | None]) -> Iterator[MessagePart]:
    """Yield the result of a function, and the media in it."""
    id, name = text_of(response.get("id")), text_of(response.get("name"))
    returned, failed = unwrap_result(response.get("response"), name)
    text = returned if type(returned) is str else "" if returned is None else dumps(returned).decode()
    yield ResultPart(id, name or tools_by_call_id.get(id or ""), text, failed)
    for part in list_of(response.get("parts")):
        for media in object_of(part).values():
            if media is not None:
                yield _media(object_of(media).get("mimeType"))
