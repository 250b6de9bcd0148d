"""POST /v1/fim/completions: the text between a prompt and a suffix, in the form of Mistral's chat.

From the types of the `mistralai` package (3.7: `FIMCompletionRequest`, `FIMCompletionResponse`). There is no
recording.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.typed_values import text_of
from mockllm.core.reply.reply import Choice, Reply, texts_of
from mockllm.core.request.request import Message, Request, TextPart
from mockllm.dialects.dialect import ProtocolCapabilities
from mockllm.dialects.mistral.errors import check_temperature
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.request_builder import build_completions
from mockllm.dialects.openai.validators import (
    Check,
    array,
    boolean,
    check_fields,
    check_readable,
    check_required,
    decimal,
    integer,
    object_,
    string,
    text_or,
)
from mockllm.dialects.vendors.chat import VendorChat
from mockllm.dialects.vendors.vendor import Vendor

DEFAULT_MODEL: Final = "codestral-latest"
_FIELDS: Final[Mapping[str, Check]] = {
    "model": string,
    "prompt": string,
    "suffix": string,
    "temperature": check_temperature,
    "top_p": decimal(0, 1),
    "max_tokens": integer(0),
    "min_tokens": integer(0),
    "stream": boolean,
    "stop": text_or(list, array(string, "strings"), "array"),
    "random_seed": integer(0),
    "metadata": object_,
    "prompt_cache_key": string,
}


class FimRequest(ChatRequest):
    """A request whose prompt and suffix are a message of the user each."""

    api = "fim"
    documented_fields = frozenset(_FIELDS)

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        written = (text_of(self.fields.get(name)) for name in ("prompt", "suffix"))
        return tuple(Message("user", (TextPart(text),)) for text in written if text is not None)

    @cached_property
    def plain_messages(self) -> None:
        """No message of the body is one of a conversation."""
        return


def _without_calls(choice: Choice) -> Choice:
    finish = "stop" if choice.finish == "tool_calls" else choice.finish
    return replace(choice, parts=texts_of(choice.parts), finish=finish)


class Fim(VendorChat):
    """Fill in the middle. A reply has texts alone; the text of a refusal is a text."""

    api = "fim"
    request_class = FimRequest

    def __init__(self, vendor: Vendor) -> None:
        super().__init__(vendor)
        self.capabilities = ProtocolCapabilities(
            conversation=False,
            tool_choice=False,
            json_object=False,
            choices=False,
            refusal=False,
            unsupported_parts=frozenset({"citations", "images", "thinking", "tool_calls"}),
        )

    def check(self, request: Request) -> Failure | None:
        failure = check_readable(request) or check_required(request.fields, "model", "prompt")
        return failure or check_fields(request.fields, _FIELDS)

    def default_model(self, rule_models: Sequence[str]) -> str | None:
        return DEFAULT_MODEL

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        return replace(reply, choices=tuple(map(_without_calls, reply.choices)))

    def build_request(self, request: NeutralRequest) -> WireRequest:
        wire_request = build_completions(request, DEFAULT_MODEL)
        return replace(wire_request, path=self.vendor.path("/fim/completions"))
