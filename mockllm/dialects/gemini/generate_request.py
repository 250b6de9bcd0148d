"""Reads generateContent requests: Google's words into neutral ones. Nothing here raises on any JSON.

Bodies are protobuf messages in JSON, so every field may be written in snake_case, and a list of one as its
only item.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.lazy import lazy
from mockllm.core.request.request import (
    CallPart,
    Format,
    MediaPart,
    Message,
    OtherPart,
    Part,
    Request,
    ResultPart,
    Role,
    Sampling,
    TextPart,
    ThinkingPart,
    Tool,
    ToolChoice,
    estimate_input,
)
from mockllm.core.tokens import estimate

OPAQUE: Final = frozenset(
    {"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema"}
) | {"labels", "partMetadata"}
"""Fields whose value is the user's own, down to its keys."""
DEEPEST: Final = 16
"""No field of a request lies deeper than so many objects and lists."""
_SNAKE: Final = re.compile(rb'"[a-z0-9]+(?:_[a-z0-9]+)+"\s*:')

PROMPT: Final = 1
FRAMING: Final = 2
"""Tokens that a prompt, and each of its messages, cost beside their texts, as recordings count."""
MOST_CANDIDATES: Final = 8
"""A request gets no more answers, also where nobody checks what it asks for."""
ROLES: Final[dict[Json, Role]] = {None: "user", "user": "user", "model": "assistant", "function": "user"}
"""A content without a role is the user's; `function` is the older role of results."""
WRAPPINGS: Final = frozenset({"output", "result", "return_value", "error"})
"""A function's response with one of these alone is what stands in it."""


@lru_cache(maxsize=1024)
def camel(key: str) -> str:
    return re.sub("_([a-z0-9])", lambda found: found[1].upper(), key)


def camelised(value: Json, depth: int = DEEPEST) -> Json:
    """The message with all its fields in camelCase."""
    if depth and type(value) is dict:
        named = ((camel(key), held) for key, held in value.items())
        return {key: held if key in OPAQUE else camelised(held, depth - 1) for key, held in named}
    if depth and type(value) is list:
        return [camelised(held, depth - 1) for held in value]
    return value


_NAMES: Final = frozenset({"properties", "defs", "$defs"})
"""Fields of a schema whose keys are names of the user's."""
_DATA: Final = frozenset({"enum", "default", "example", "required", "propertyOrdering"})
"""Fields of a schema whose values are the user's own."""


def camelised_schema(schema: Json, depth: int = 4 * DEEPEST) -> Json:
    """A schema of Google's with all its own fields in camelCase, as they are in a message: google-genai writes
    `min_items`. JSON Schemas need none of it."""
    if depth and type(schema) is list:
        return [camelised_schema(each, depth - 1) for each in schema]
    if not depth or type(schema) is not dict:
        return schema
    made: dict[str, Json] = {}
    for written, value in schema.items():
        key = camel(written)
        if key in _NAMES and type(value) is dict:
            made[key] = {name: camelised_schema(part, depth - 1) for name, part in value.items()}
        else:
            made[key] = value if key in _DATA else camelised_schema(value, depth - 1)
    return made


class GeminiRequest(Request):
    """Any request to these endpoints: the model stands in the path, the key in a header or in the query."""

    dialect = "gemini"

    @lazy
    def model(self) -> str | None:
        return self.route.get("model")

    @lazy
    def api_key(self) -> str | None:
        return self.headers.get("x-goog-api-key") or self.query.get("key") or super().api_key

    @lazy
    def vertex(self) -> bool:
        """Whether it is asked of Vertex AI, which answers in other details."""
        return "/publishers/" in self.path

    @lazy
    def sse(self) -> bool:
        """Whether a stream shall be server-sent events; else it is a JSON array."""
        return self.stream and "sse" in (self.query.get("alt"), self.query.get("$alt"))

    @lazy
    def numbered(self) -> bool:
        """Whether enums shall be numbers, as Google's generated clients ask."""
        return self.query.get("$alt", "").endswith("enum-encoding=int")

    @lazy
    def said(self) -> dict[str, Json]:
        """The body with its fields in camelCase."""
        fields = self.fields
        made: dict[str, Json] = camelised(fields) if _SNAKE.search(self.raw) else fields
        return made


def google(request: Request) -> GeminiRequest:
    """The request as one to these endpoints, whatever it was read as."""
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

    @lazy
    def stream(self) -> bool:
        return self.path.endswith(":streamGenerateContent")

    @lazy
    def messages(self) -> tuple[Message, ...]:
        """Neighbouring contents of the model are one turn: a client may send back each chunk of a stream."""
        names: dict[str, str | None] = {}
        made: list[Message] = []
        for content in listed(self.said.get("contents")):
            for message in _messages(content, names):
                if made and made[-1].role == message.role == "assistant":
                    made[-1] = Message("assistant", made[-1].parts + message.parts)
                else:
                    made.append(message)
        return tuple(made)

    @lazy
    def system(self) -> str | None:
        instruction = self.said.get("systemInstruction")
        if type(instruction) is str:
            return instruction
        texts = [
            part["text"]
            for part in listed(held(instruction).get("parts"))
            if type(held(part).get("text")) is str
        ]
        return "\n".join(texts) if texts else None

    @lazy
    def tools(self) -> tuple[Tool, ...]:
        """The functions; a tool of another kind is known by it."""
        made: list[Tool] = []
        for entry in listed(self.said.get("tools")):
            for kind, value in held(entry).items():
                if kind == "functionDeclarations":
                    made += (
                        tool for each in listed(value) if (tool := self._function(held(each))) is not None
                    )
                else:
                    made.append(Tool(kind, kind=kind))
        return tuple(made)

    @lazy
    def tool_choice(self) -> ToolChoice:
        config = held(held(self.said.get("toolConfig")).get("functionCallingConfig"))
        names = tuple(name for name in listed(config.get("allowedFunctionNames")) if type(name) is str)
        match config.get("mode"):
            case "ANY":
                return ToolChoice("named" if len(names) == 1 else "any", names)
            case "NONE":
                return ToolChoice("none")
        return ToolChoice("auto", names)

    @lazy
    def response_format(self) -> Format:
        config = self.config
        mime = config.get("responseMimeType")
        if mime not in ("application/json", "text/x.enum"):
            return Format()
        schema = config.get("responseJsonSchema", self._schema(config.get("responseSchema")))
        if schema is None:
            return Format("json")
        title = held(schema).get("title")
        name = title if type(title) is str else None
        return Format("schema", name, schema, bare=mime == "text/x.enum")

    @lazy
    def sampling(self) -> Sampling:
        config = self.config
        n, most = config.get("candidateCount"), config.get("maxOutputTokens")
        return Sampling(
            n=min(n, MOST_CANDIDATES) if type(n) is int and n > 0 else 1,
            stop=tuple(text for text in listed(config.get("stopSequences")) if type(text) is str),
            max_tokens=most if type(most) is int and most > 0 else None,
        )

    @lazy
    def input_tokens(self) -> int:
        counted = estimate_input(self, PROMPT, FRAMING)
        return counted + (estimate(self.system) if self.system is not None else 0)

    @lazy
    def config(self) -> dict[str, Json]:
        return held(self.said.get("generationConfig"))

    def _function(self, said: dict[str, Json]) -> Tool | None:
        name = _text(said.get("name"))
        if name is None:
            return None
        schema = said.get("parametersJsonSchema", self._schema(said.get("parameters")))
        return Tool(name, schema, _text(said.get("description")))

    def _schema(self, schema: Json) -> Json:
        """A schema of Google's own in its usual spelling."""
        return camelised_schema(schema) if _SNAKE.search(self.raw) else schema

    @lazy
    def omits_thinking(self) -> bool:
        """Whether thoughts are declined in so many words."""
        return held(self.config.get("thinkingConfig")).get("includeThoughts") is False


def held(value: Json) -> dict[str, Json]:
    """The object, or an empty one in place of anything else."""
    return value if type(value) is dict else {}


def listed(value: Json) -> list[Json]:
    """The list; a lone value is a list of one."""
    if value is None:
        return []
    return value if type(value) is list else [value]


def _messages(content: Json, names: dict[str, str | None]) -> Iterator[Message]:
    """One content: its tool results, where it has any, and what else it says. `names` are the calls' names by
    id, so far."""
    said = held(content)
    role = said.get("role")
    neutral = ROLES.get(role) if role is None or type(role) is str else None
    if neutral is None or not said:
        return
    entries = [held(part) for part in listed(said.get("parts"))]
    results = [
        part
        for entry in entries
        if type(entry.get("functionResponse")) is dict
        for part in _result(entry["functionResponse"], names)
    ]
    others = [part for entry in entries if (part := _part(entry, names)) is not None]
    if results:
        yield Message("tool", tuple(results))
    if others or not results:
        yield Message(neutral, tuple(others))


def _part(entry: dict[str, Json], names: dict[str, str | None]) -> Part | None:
    """A part that is not a function's response."""
    text = entry.get("text")
    if type(text) is str:
        return ThinkingPart(text) if entry.get("thought") is True else TextPart(text)
    for key in ("inlineData", "fileData"):
        if key in entry:
            return _media(held(entry[key]).get("mimeType"))
    if type(entry.get("functionCall")) is dict:
        said = entry["functionCall"]
        call = CallPart(_text(said.get("id")), _text(said.get("name")), said.get("args", {}))
        if call.id is not None:
            names[call.id] = call.name
        return call
    if "functionResponse" in entry:
        return None
    return OtherPart(next(iter(entry), ""))


def _media(mime: Json) -> MediaPart:
    kind = mime.partition("/")[0] if type(mime) is str else ""
    return MediaPart("image" if kind == "image" else "audio" if kind == "audio" else "file")


def _result(said: dict[str, Json], names: dict[str, str | None]) -> Iterator[Part]:
    """What a function gave back, and the media with it."""
    id, name = _text(said.get("id")), _text(said.get("name"))
    given, failed = _given(said.get("response"), name)
    text = given if type(given) is str else "" if given is None else dumps(given).decode()
    yield ResultPart(id, name or names.get(id or ""), text, failed)
    for part in listed(said.get("parts")):
        for media in held(part).values():
            yield _media(held(media).get("mimeType"))


def _given(response: Json, name: str | None) -> tuple[Json, bool]:
    """What a function gave back, and whether that is an error. A response has to be an object, so clients wrap
    what was given back: in one of `WRAPPINGS`, or in `content` beside the function's name, perhaps as texts."""
    if type(response) is not dict:
        return response, False
    if len(response) == 1 and (key := next(iter(response))) in WRAPPINGS:
        return response[key], key == "error"
    if name is not None and response.keys() == {"name", "content"} and response["name"] == name:
        content = response["content"]
        texts = [_text(held(each).get("text")) for each in content] if type(content) is list else []
        said = [text for text in texts if text is not None]
        return "\n".join(said) if said and len(said) == len(texts) else content, False
    return response, False


def _text(value: Json) -> str | None:
    return value if type(value) is str else None
