"""Requests in provider-neutral form, as scenarios match them.

Every dialect subclasses `Request` and overrides the cached properties that its protocol has. A property is
computed on first use and raises nothing on any JSON but what `object_lookup` raises. An invalid value is absent
(`None`, an empty tuple), and validation reports the mistake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from itertools import islice
from types import MappingProxyType
from typing import ClassVar, Final, Self
from urllib.parse import parse_qsl

from propcache.api import cached_property

from mockllm.core.json.codec import Json, Missing
from mockllm.core.request.agent_frames import last_typed_text
from mockllm.core.request.body_fields import BodyFields
from mockllm.core.request.called_tools import mentioned_tools, uncalled_tools
from mockllm.core.request.mcp_server import McpServerFields
from mockllm.core.request.messages import (
    MediaPart,
    Message,
    ResultPart,
    TextPart,
    is_thinking,
    last_assistant_parts,
    last_results,
    last_user_text,
)
from mockllm.core.request.person_texts import MAX_TYPED, person_texts
from mockllm.core.request.prompt_tokens import TOKENS_PER_MESSAGE, TOKENS_PER_PROMPT, estimate_parts
from mockllm.core.request.read_turns import TurnReader, read_new_turns, read_turns
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.stored_objects import EMPTY_LOOKUP, ObjectLookup
from mockllm.core.request.tools import CLIENT_RUN_KINDS, Tool, ToolChoice
from mockllm.core.tokens import estimate
from mockllm.core.word_stems import name_stems

__all__ = ["Message", "Request", "TextPart", "Tool", "estimate_input"]


_NON_BODY_ATTRIBUTES: Final = frozenset((
    "method", "path", "headers", "query_string", "provider", "path_variables", "session", "client_address", "now",
    "monotonic", "object_lookup", "over_tls", "path_prefix", "mcp_servers", "volatile",
))  # fmt: skip
"""The attributes that the reader sets, if they do not follow from the body. `without_body` copies them. The reader
may also set values that would otherwise be computed, such as `query`."""

PER_REQUEST_ATTRIBUTES: Final[Mapping[str, object]] = MappingProxyType(
    {"raw": b"", "client_address": "", "now": 0.0, "monotonic": 0.0, "object_lookup": EMPTY_LOOKUP}
)
"""The attributes that differ in the requests with one head, before `Request.of` sets them."""


class Request(BodyFields, McpServerFields):
    """One request. Its reader sets `_NON_BODY_ATTRIBUTES` and the body; most other properties are computed lazily.

    `path` is without the session and the provider prefix; `headers` is looked up by lower-case name; `raw` holds the
    body's bytes (decompressed). `now` is when the server began to respond, in seconds since the
    epoch. The time fields of a response use no other clock. `path_variables` holds the variables of the route's path
    (`{"model": …}` where the path names the model). `object_lookup` has what the server stored for the session, by
    name.
    """

    api: ClassVar[str | None] = None
    """The name of the protocol's call (`Dialect.api`): `chat`, `messages`, `models` … None outside every protocol."""
    generates: ClassVar[bool] = False
    """Whether this is a generating call: a rule's reply of texts and tool calls makes its response. Calls for media,
    embeddings, token counts and lists are none. Rules without `path`, `api`, `mcp` and `form` match generating calls
    only."""
    path_prefix: str = ""
    """The provider's prefix in front of the path, such as `/groq`; empty without one."""
    background: bool = False
    """Whether the server makes the response while no client waits for it."""
    over_tls: bool = False
    """Whether the request came over TLS to this server."""
    makes_media: ClassVar[bool] = False
    """Whether the call makes media, or a text of media. A rule that names it may reply; without one, the dialect
    makes them. False for a WebSocket."""
    evaluates: ClassVar[bool] = False
    """Whether a model evaluates the input of a call that neither generates nor makes media. The result is vectors,
    ranks, labels, a live transcript or a shorter conversation."""
    has_serving_metrics: ClassVar[bool] = False
    """Whether the provider has metrics of its responses under names that belong to it."""
    computed_hash: str | None = None
    """The request's hash, once `hash_of` has computed it."""
    computed_older_hash: str | None = None
    """The hash that files of other tools have (`request_keys.py`), once `cached_older_hash` has computed it."""
    field_values: dict[str, Json | Missing] | None = None
    """The values of fields that conditions have read (`matching/fields.py`), by the field's name or path."""

    def __init__(
        self,
        *,
        method: str,
        path: str,
        headers: Mapping[str, str],
        raw: bytes = b"",
        query_string: str = "",
        provider: str | None = None,
        path_variables: Mapping[str, str] | None = None,
        session: str | None = None,
        client_address: str = "",
        now: float = 0.0,
        monotonic: float | None = None,
        object_lookup: ObjectLookup = EMPTY_LOOKUP,
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.raw = raw
        self.query_string = query_string
        self.provider = provider
        self.path_variables: Mapping[str, str] = path_variables or {}
        self.session = session
        self.client_address = client_address
        self.now = now
        self.monotonic = now if monotonic is None else monotonic
        """The same time on a monotonic clock, in seconds: for sessions and webhooks. Limits get
        `DecisionInputs.scenario_time`, which follows from it."""
        self.object_lookup = object_lookup

    @classmethod
    def of(
        cls,
        head_attributes: dict[str, object],
        raw: bytes,
        client_address: str,
        now: float,
        monotonic: float,
        object_lookup: ObjectLookup,
    ) -> Self:
        """Return a request with the attributes of a head, for many requests with the same head. They include
        `PER_REQUEST_ATTRIBUTES`: the copy then has room for these. This takes less time than the constructor."""
        request = cls.__new__(cls)
        request.__dict__ = attributes = head_attributes.copy()
        attributes["raw"] = raw
        attributes["client_address"] = client_address
        attributes["now"] = now
        attributes["monotonic"] = monotonic
        attributes["object_lookup"] = object_lookup
        return request

    def without_body(self) -> Self:
        """Return the request without its body, for a response that does not depend on the body."""
        request = type(self).__new__(type(self))
        vars(request).update(
            {name: value for name, value in vars(self).items() if name in _NON_BODY_ATTRIBUTES}
        )
        request.raw = b""
        return request

    def forget_read_values(self) -> None:
        """Forget the read values, since they may depend on what the lookup has found. The lookup stays."""
        attributes = vars(self)
        for name in [
            name for name in attributes if isinstance(getattr(type(self), name, None), cached_property)
        ]:
            attributes.pop(name)
        self.field_values = None

    def with_input_tokens(self, count: int) -> Self:
        """Return the request with another number of input tokens."""
        request = copy(self)
        vars(request)["input_tokens"] = count
        return request

    @cached_property
    def query(self) -> dict[str, str]:
        """The query's parameters."""
        return read_query(self.query_string)

    @cached_property
    def host(self) -> str | None:
        return self.headers.get("host")

    @cached_property
    def api_key(self) -> str | None:
        """The API key; a dialect with another place for it overrides this property."""
        bearer = self.headers.get("authorization")
        if bearer is not None and bearer[:7].lower() == "bearer ":
            return bearer[7:].strip() or None
        return self.headers.get("x-api-key")

    @property
    def may_be_stored(self) -> bool:
        """Whether the client lets its response be stored, where its call stores responses. True where the protocol
        has no field for that."""
        return True

    @cached_property
    def model(self) -> str | None:
        """The model that the path names, unless the protocol has it in the body; None where there is none."""
        return self.path_variables.get("model")

    @cached_property
    def stream(self) -> bool:
        """Whether the client requests a stream."""
        return False

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """All turns in order, including the system text where the protocol has it among the messages."""
        return ()

    @cached_property
    def system(self) -> str | None:
        """The system text, parts and messages joined by a newline; None where there is none."""
        texts = [message.text for message in self.messages if message.role == "system"]
        return "\n".join(texts) if texts else None

    @cached_property
    def user(self) -> str | None:
        """The text of the last user message; None where there is none."""
        return last_user_text(self.messages)

    @cached_property
    def typed(self) -> str | None:
        """The last text that a person typed, without what agents add to it; None where there is none."""
        return last_typed_text(self.messages)

    @cached_property
    def thinking_returned(self) -> bool | None:
        """Whether the last adjacent messages of the assistant contain the model's thinking; None if it sent none."""
        parts = last_assistant_parts(self.messages)
        return None if parts is None else any(is_thinking(part) for part in parts)

    @cached_property
    def conversation_name(self) -> str | None:
        """The name of the conversation that the request's ids identify; None where only a hash of its start does."""
        return None

    @cached_property
    def conversation_start(self) -> tuple[str, str]:
        """The system text and the first user message, which identify a conversation."""
        first = ""
        for message in self.messages:
            if message.role == "user":
                first = message.text
                break
        return self.system or "", first

    @cached_property
    def turn(self) -> int:
        """1 + the number of assistant turns."""
        return 1 + [message.role for message in self.messages].count("assistant")

    def read_messages(self, items: Sequence[Json], read_turn: TurnReader) -> tuple[Message, ...]:
        """Return the messages of the turns; only those are read that no earlier body had."""
        divided = self.divided_body
        if divided is not None and items is divided.items:
            turns = read_new_turns(divided, read_turn)
            if turns is not None:
                vars(self)["part_tokens"] = turns.tokens
                return tuple(turns.messages)
        return tuple(read_turns(items, read_turn, self.object_lookup).messages)

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        return ()

    @cached_property
    def tool_names(self) -> tuple[str, ...]:
        """The names of the tools, for rules that match on them."""
        return tuple([tool.name for tool in self.tools])

    @property
    def all_tools(self) -> tuple[Tool, ...]:
        """The offered tools, and those that the conversation adds."""
        return self.tools

    @cached_property
    def tool_choice(self) -> ToolChoice:
        return ToolChoice()

    @cached_property
    def uncalled(self) -> tuple[str, ...]:
        """The offered tools that the model may call and has not called since the last user message."""
        tools = self.callable_tools
        return uncalled_tools([tool.name for tool in tools], self.messages) if tools else ()

    @cached_property
    def callable_tools(self) -> tuple[Tool, ...]:
        """The offered tools that the model may call."""
        tools, names = self.tools, frozenset(self.tool_choice.names)  # a client may allow thousands
        return tuple(
            [tool for tool in tools if tool.kind in CLIENT_RUN_KINDS and (not names or tool.name in names)]
        )

    @cached_property
    def final_tools(self) -> frozenset[str]:
        """The names of the tools with the word `final` in them: some agents end with such a tool."""
        likely = [name for name in self.tool_names if "final" in name.lower()]
        return frozenset([name for name in likely if "final" in name_stems(name)])

    @cached_property
    def mentioned(self) -> tuple[str, ...]:
        """The uncalled tools that the person's last text mentions, the best match first."""
        uncalled, texts = self.uncalled, self.last_typed_texts
        text = texts[0] if texts else ""
        return mentioned_tools(uncalled, text, any_called=len(uncalled) < len(self.callable_tools))

    @cached_property
    def last_typed_texts(self) -> Sequence[str]:
        """The last few texts that a person typed, the last one first. Unlike `typed`, each is
        shortened in its middle (`person_texts`)."""
        return list(islice(person_texts(self.messages), MAX_TYPED))

    @cached_property
    def tool_results(self) -> tuple[ResultPart, ...]:
        """The results after the last assistant turn, in order."""
        return last_results(self.messages)

    @cached_property
    def has_image(self) -> bool:
        return any(
            isinstance(part, MediaPart) and part.kind == "image"
            for message in self.messages
            for part in message.parts
        )

    @property
    def requested_media(self) -> frozenset[str]:
        """The media that the request wants beside a text: `audio`."""
        return frozenset()

    @cached_property
    def response_format(self) -> Format:
        return Format()

    @cached_property
    def output_bounds(self) -> OutputBounds:
        return OutputBounds()

    @cached_property
    def input_tokens(self) -> int:
        """The estimated tokens of the prompt: texts, calls and results, and the tools' descriptions."""
        return estimate_input(self)

    @cached_property
    def tool_tokens(self) -> int:
        """The estimated tokens of the tools' descriptions."""
        return sum(map(_tool_tokens, self.tools))

    @cached_property
    def part_tokens(self) -> int:
        """The estimated tokens of all messages, without those that each message costs by itself."""
        messages = self.messages
        known: int | None = vars(self).get("part_tokens")  # set when messages are read
        if known is not None:
            return known
        total = 0
        for message in messages:
            total += estimate_parts(message.parts)
        return total

    @cached_property
    def vector_components(self) -> int:
        """The number of components of the vectors in the response, for its budget. Where vectors are
        computed from the texts, one is added for four characters of these."""
        return 0

    @cached_property
    def echoed_characters(self) -> int:
        """The characters of prompts that the response has before its texts, for its budget. Those of tokens with
        logprobs count several times."""
        return 0

    @property
    def history_is_long(self) -> bool:
        """Whether the request continues stored responses that take long to read: a thread then reads them. Raises
        MissingStoredObject."""
        return False

    @property
    def planning_takes_long(self) -> bool:
        """Whether the response takes long to plan for another reason than its size: a thread then plans it."""
        return self.history_is_long


def read_query(query_string: str) -> dict[str, str]:
    """Return the parameters of a query; the last of a repeated name counts."""
    return dict(parse_qsl(query_string, keep_blank_values=True)) if query_string else {}


def _tool_tokens(tool: Tool) -> int:
    return estimate(f"{tool.name} {tool.description} {tool.schema}")


def estimate_input(
    request: Request, prompt: int = TOKENS_PER_PROMPT, per_message: int = TOKENS_PER_MESSAGE
) -> int:
    """Return the tokens of a prompt: `prompt` for itself and `per_message` for each message, beside their texts."""
    return prompt + request.tool_tokens + per_message * len(request.messages) + request.part_tokens
