"""What each request type knows is what the provider's own SDK knows."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from anthropic import types as blocks
from anthropic.types import beta as beta_blocks
from anthropic.types import message_count_tokens_params as counted
from anthropic.types import message_create_params as messages
from anthropic.types.beta import message_count_tokens_params as beta_counted
from anthropic.types.beta import message_create_params as beta
from google.genai import types as google
from openai.types import completion_create_params as completions
from openai.types import embedding_create_params as embeddings
from openai.types import image_create_variation_params as image_variations
from openai.types import image_edit_params as image_edits
from openai.types import image_generate_params as images
from openai.types import moderation_create_params as moderations
from openai.types.chat import completion_create_params as chat
from openai.types.responses import response_create_params as responses

from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.messages_request import AnthropicCountRequest, MessagesRequest
from mockllm.dialects.anthropic.unknown_fields import BLOCKS, CUSTOM_TOOL, MESSAGE
from mockllm.dialects.gemini.unknown_fields import MESSAGES
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.completions_request import CompletionsRequest
from mockllm.dialects.openai.embeddings import OpenAiEmbeddingsRequest
from mockllm.dialects.openai.media.images_request import (
    ImageEditRequest,
    ImagesRequest,
    ImageVariationRequest,
)
from mockllm.dialects.openai.moderations import ModerationsRequest
from mockllm.dialects.openai.responses.request import ResponsesRequest

TYPES: list[tuple[type[Request], Any]] = [
    (ChatRequest, chat.CompletionCreateParamsBase),
    (ResponsesRequest, responses.ResponseCreateParamsBase),
    (CompletionsRequest, completions.CompletionCreateParamsBase),
    (OpenAiEmbeddingsRequest, embeddings.EmbeddingCreateParams),
    (ModerationsRequest, moderations.ModerationCreateParams),
    (ImagesRequest, images.ImageGenerateParamsBase),
    (ImageEditRequest, image_edits.ImageEditParamsBase),
    (ImageVariationRequest, image_variations.ImageCreateVariationParams),
    (MessagesRequest, messages.MessageCreateParamsBase),
    (MessagesRequest, beta.MessageCreateParamsBase),
    (AnthropicCountRequest, counted.MessageCountTokensParams),
    (AnthropicCountRequest, beta_counted.MessageCountTokensParams),
]


@pytest.mark.parametrize(("request_type", "params"), TYPES)
def test_every_field_of_the_sdk_is_known(request_type: type[Request], params: Any) -> None:
    assert request_type.documented_fields is not None
    streams = {"stream"} if request_type.generates else set()
    assert {*params.__annotations__, *streams} - request_type.documented_fields == set()


def built(request_type: type[Request], provider: str, raw: bytes) -> Request:
    return request_type(method="POST", path="/", headers={}, raw=raw, provider=provider)


@pytest.mark.parametrize(
    ("request_type", "provider", "raw", "unknown"),
    [
        (ChatRequest, "openai", b'{"z": 1, "model": "m", "a": 1}', ["z", "a"]),
        (ChatRequest, "openai", b'{"model": "m"}', []),
        (ChatRequest, "openai", b"[1]", []),
        (ChatRequest, "groq", b'{"reasoning_format": "raw"}', []),
        (MessagesRequest, "anthropic", b'{"n": 2}', ["n"]),
        (Request, "openai", b'{"z": 1}', []),
    ],
)
def test_unknown_lists_unknown_fields(
    request_type: type[Request], provider: str, raw: bytes, unknown: list[str]
) -> None:
    assert built(request_type, provider, raw).undocumented_fields == unknown


BLOCK_TYPES = {
    "text": blocks.TextBlockParam,
    "image": blocks.ImageBlockParam,
    "document": blocks.DocumentBlockParam,
    "tool_use": blocks.ToolUseBlockParam,
    "tool_result": blocks.ToolResultBlockParam,
    "thinking": blocks.ThinkingBlockParam,
    "redacted_thinking": blocks.RedactedThinkingBlockParam,
}


def test_anthropic_blocks_have_the_fields_of_the_sdk() -> None:
    assert {name: set(params.__annotations__) for name, params in BLOCK_TYPES.items()} == BLOCKS
    roles = (*get_args(blocks.MessageParam), *get_args(beta_blocks.BetaMessageParam))
    assert {name for role in roles for name in role.__annotations__} == MESSAGE
    assert set(blocks.ToolParam.__annotations__) == CUSTOM_TOOL


@pytest.mark.parametrize("name", sorted(MESSAGES.keys() - {"GenerateContentRequest"}))
def test_gemini_message_has_the_fields_of_the_sdk(name: str) -> None:
    """The SDK's configuration has two more fields of the service than its type of that name."""
    more = {"image_config", "model_config"} if name == "GenerationConfig" else set()
    assert set(getattr(google, name).model_fields) | more == MESSAGES[name].names


def test_gemini_messages_are_known_fields() -> None:
    for message in MESSAGES.values():
        assert {*message.messages, *message.maps} <= message.names
        assert {*message.messages.values(), *message.maps.values()} <= MESSAGES.keys()
