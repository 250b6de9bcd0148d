"""Requests to vLLM: OpenAI's, with the parameters of vLLM's sampling.

Sources: `ChatCompletionRequest` of `vllm/entrypoints/openai/chat_completion/protocol.py`, `CompletionRequest` of
`vllm/entrypoints/openai/completion/protocol.py`, `StreamOptions` of `vllm/entrypoints/openai/engine/protocol.py`.
"""

from __future__ import annotations

from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import count_of, object_of
from mockllm.core.request.request import Request
from mockllm.core.request.response_parameters import OutputBounds
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.completions_request import CompletionsRequest
from mockllm.dialects.openai.validators import refuse
from mockllm.dialects.vendors.request_edits import without_schemas

MAX_MODEL_LEN: Final = 131_072
"""The tokens of a prompt and its output together (`max_model_len`), those of Llama 3.1."""
DEFAULT_MAX_TOKENS: Final = 16
"""The tokens of a legacy completion that states no maximum (`CompletionRequest.max_tokens`)."""


def extended_bounds(output_bounds: OutputBounds, fields: dict[str, Json]) -> OutputBounds:
    """Return the bounds with `min_tokens` and `ignore_eos`, both at most the tokens that a model can have."""
    least = min(count_of(fields.get("min_tokens")) or 0, MAX_MODEL_LEN)
    endless = fields.get("ignore_eos") is True
    if not (least or endless):
        return output_bounds
    most = output_bounds.max_tokens
    return output_bounds._replace(
        min_tokens=least, endless=endless, max_tokens=None if most is None else min(most, MAX_MODEL_LEN)
    )


def continuous(request: Request) -> bool:
    """Return whether each chunk of a stream has the usage so far (`include_usage` and `continuous_usage_stats`)."""
    options = object_of(request.fields.get("stream_options"))
    return options.get("continuous_usage_stats") is True and options.get("include_usage") is True


class VllmChatRequest(ChatRequest):
    has_serving_metrics = True

    @cached_property
    def output_bounds(self) -> OutputBounds:
        plain: OutputBounds = ChatRequest.output_bounds.__get__(self, type(self))
        return extended_bounds(plain, self.fields)


class VllmCompletionsRequest(CompletionsRequest):
    has_serving_metrics = True

    @cached_property
    def output_bounds(self) -> OutputBounds:
        plain: OutputBounds = CompletionsRequest.output_bounds.__get__(self, type(self))
        if plain.max_tokens is None:
            plain = plain._replace(max_tokens=DEFAULT_MAX_TOKENS)
        return extended_bounds(plain, self.fields)


def openai_request(body: dict[str, Json]) -> dict[str, Json]:
    """Return a chat request in OpenAI's form, with any schemas."""
    return without_schemas(openai_form(body))


def openai_form(body: dict[str, Json]) -> dict[str, Json]:
    """Return a request in OpenAI's form. It lacks vLLM's own options of a stream and both names of the maximum. It
    has a model, which vLLM does not need."""
    result = {**body, "model": body.get("model") or "served"}
    options = body.get("stream_options")
    if type(options) is dict and "continuous_usage_stats" in options:
        result["stream_options"] = {
            name: value for name, value in options.items() if name != "continuous_usage_stats"
        }
    if body.get("max_completion_tokens") is not None:
        result.pop("max_tokens", None)
    return result


def check_tokens(request: Request) -> Failure | None:
    """Check the minimum, the maximum and the model's length (`SamplingParams._verify_args`, and the renderer's
    check of `max_tokens`)."""
    fields, output_bounds = request.fields, request.output_bounds
    least = fields.get("min_tokens")
    if least is not None and (type(least) is not int or least < 0):
        return refuse(f"min_tokens must be greater than or equal to 0, got {least}.", "min_tokens")
    stated = count_of(fields.get("max_completion_tokens")) or count_of(fields.get("max_tokens"))
    if least and stated is not None and least > stated:
        return refuse(
            f"min_tokens must be less than or equal to max_tokens={stated}, got {least}.", "min_tokens"
        )
    wanted = max(stated or 0, output_bounds.min_tokens)
    prompt = request.input_tokens
    if prompt + wanted <= MAX_MODEL_LEN:
        return None
    if stated is not None and prompt < MAX_MODEL_LEN:
        name = "max_tokens" if fields.get("max_completion_tokens") is None else "max_completion_tokens"
        return refuse(
            f"'{name}' or 'max_completion_tokens' is too large: {wanted}. This model's maximum context length is "
            f"{MAX_MODEL_LEN} tokens and your request has {prompt} input tokens ({wanted} > {MAX_MODEL_LEN} - "
            f"{prompt}).",
            name,
        )
    return Failure("context_length", context_tokens=MAX_MODEL_LEN)
