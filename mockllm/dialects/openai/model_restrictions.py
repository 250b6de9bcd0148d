"""The restrictions of OpenAI's models: unsupported parameters, values and roles, with the service's refusals.

The first glob of a table that matches the model decides; a model in no row has no restrictions. Sources: recordings
of o1-mini (`stop`, roles) and o4-mini (effort), and public reports of 2024 to 2026 with the error's object. A public
project measured GPT-5.6 in August 2026 (local-OAuth-CLI-API-adapter of kangminlee-maker). Others measured efforts and
functions of GPT-5.2 to GPT-6.1 (BerriAI/litellm#34569, litellm-docs#1173, livekit/agents#7169, bolna-ai/bolna#1019).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final, Literal

from msgspec import Struct

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, objects
from mockllm.core.text_cache import text_cache
from mockllm.dialects.openai.validators import refuse, supported_values

PROVIDERS_OF_OPENAI_MODELS: Final = frozenset({None, "openai", "azure"})
"""The providers that serve OpenAI's models; None where a request has no provider."""
EARLY: Final = ("low", "medium", "high")
MINIMAL: Final = ("minimal", *EARLY)
NONE: Final = ("none", *EARLY)
NONE_TO_XHIGH: Final = (*NONE, "xhigh")
LOW_TO_XHIGH: Final = (*EARLY, "xhigh")
UNSUPPORTED_VALUE: Final = "unsupported_value"
UNSUPPORTED_PARAMETER: Final = "unsupported_parameter"
_MAXIMUM: Final = ("max_tokens",)
_STOP: Final = (*_MAXIMUM, "stop")
_RECENT: Final = (*_STOP, "logit_bias", "prediction")


class ModelRestrictions(Struct, frozen=True):
    """What a family of models refuses. `parameters`: those that chat completions refuse with any value.
    `temperature`: the code of a refusal of any value but 1. `top_p`: whether it is refused likewise. `efforts`: the
    supported ones; empty where all pass. `responses_efforts`: those of the responses protocol where it has others.
    `tools`: with which effort chat completions refuse functions: with one that the request names, or with any but
    `none`. `recent`: a model of July 2026 or later, which refuses sampling only while it reasons. `audio`: a model
    that speaks, which refuses JSON, probabilities and images."""

    parameters: tuple[str, ...] = _MAXIMUM
    temperature: str | None = None
    top_p: bool = False
    roles: tuple[str, ...] = ()
    efforts: tuple[str, ...] = ()
    responses_efforts: tuple[str, ...] = ()
    tools: Literal["named", "any"] | None = None
    recent: bool = False
    audio: bool = False


NO_RESTRICTIONS: Final = ModelRestrictions(parameters=())
_EARLIEST: Final = ModelRestrictions(
    _STOP, temperature=UNSUPPORTED_VALUE, top_p=True, roles=("system", "developer"), efforts=EARLY
)
_EARLY_MINI: Final = ModelRestrictions(temperature=UNSUPPORTED_PARAMETER, top_p=True, efforts=EARLY)
_FIVE: Final = ModelRestrictions(_STOP, temperature=UNSUPPORTED_VALUE, top_p=True, efforts=MINIMAL)
_FIVE_ONE: Final = ModelRestrictions(efforts=NONE)
_FIVE_TWO: Final = ModelRestrictions(efforts=NONE_TO_XHIGH)
_FIVE_FOUR: Final = ModelRestrictions(efforts=NONE_TO_XHIGH, tools="named")


def _recent(efforts: tuple[str, ...]) -> ModelRestrictions:
    return ModelRestrictions(
        _RECENT,
        temperature=UNSUPPORTED_VALUE,
        top_p=True,
        efforts=efforts,
        responses_efforts=(*efforts, "max"),
        tools="any",
        recent=True,
    )


_ALWAYS_REASONING: Final = _recent(LOW_TO_XHIGH)
_REASONING: Final = _recent(NONE_TO_XHIGH)
MODELS: Final = (
    ("gpt-5*-chat*", NO_RESTRICTIONS),
    ("gpt-audio*", ModelRestrictions(parameters=(), audio=True)),
    ("o1-mini*", _EARLIEST),
    ("o1-preview*", _EARLIEST),
    ("o1*", _EARLY_MINI),
    ("o3-mini*", _EARLY_MINI),
    (
        "o[34]*",
        ModelRestrictions(_STOP, temperature=UNSUPPORTED_VALUE, top_p=True, efforts=EARLY),
    ),
    (
        "gpt-5-pro*",
        ModelRestrictions(_STOP, temperature=UNSUPPORTED_VALUE, top_p=True, efforts=("high",)),
    ),
    ("gpt-5", _FIVE),
    ("gpt-5-2025*", _FIVE),
    ("gpt-5-mini*", _FIVE),
    ("gpt-5-nano*", _FIVE),
    ("gpt-5.1", _FIVE_ONE),
    ("gpt-5.1-2025*", _FIVE_ONE),
    ("gpt-5.2", _FIVE_TWO),
    ("gpt-5.2-2025*", _FIVE_TWO),
    ("gpt-5.4-pro*", ModelRestrictions()),
    ("gpt-5.4*", _FIVE_FOUR),
    ("gpt-5.5", _FIVE_FOUR),
    ("gpt-5.5-2026*", _FIVE_FOUR),
    ("gpt-5.6*", _REASONING),
    ("gpt-5.*", ModelRestrictions()),
    ("gpt-6*-astra*", _ALWAYS_REASONING),
    ("gpt-6.[1-9]-sol*", _ALWAYS_REASONING),
    ("gpt-6*", _REASONING),
    ("*", NO_RESTRICTIONS),
)
"""Later models accept a temperature without reasoning; which efforts they know has changed with each of them."""


@text_cache(256)  # clients repeat a few models
def restrictions_of(model: str) -> ModelRestrictions:
    return next(row for glob, row in MODELS if fnmatchcase(model, glob))


def _row(body: Mapping[str, Json]) -> ModelRestrictions:
    model = body.get("model")
    return restrictions_of(model) if type(model) is str else NO_RESTRICTIONS


def check_chat_model(body: Mapping[str, Json]) -> Failure | None:
    """Return the error of the first value of a well-formed chat request that its model does not support."""
    row = _row(body)
    if row is NO_RESTRICTIONS:
        return None
    if row.audio:
        return _check_audio_model(body) or check_messages_of_model(body)
    effort = body.get("reasoning_effort")
    reasons = not row.recent or effort != "none"
    error = _check_tools(body, row, effort) or (_check_sampling(body, row) if reasons else None)
    if error is None and row.recent:
        names = next(_set_probabilities(body), None) if reasons else None
        error = unsupported_parameter(names) if names is not None else _check_retention(body)
    return error or check_messages_of_model(body)


def _check_audio_model(body: Mapping[str, Json]) -> Failure | None:
    """Return what a model that speaks refuses (recordings of May 2026)."""
    if object_of(body.get("response_format")).get("type") in ("json_object", "json_schema"):
        return unsupported_parameter("response_format", code=None)
    if body.get("logprobs"):
        return unsupported_parameter("logprobs", code=None)
    return None


def check_responses_model(body: Mapping[str, Json]) -> Failure | None:
    """Return the error of the first field of a responses request that its model does not support."""
    row = _row(body)
    efforts = row.responses_efforts or row.efforts
    effort = object_of(body.get("reasoning")).get("effort")
    if type(effort) is str and efforts and effort not in efforts:
        message = f"'{effort}' is not supported with the '{body['model']}' model. {supported_values(efforts)}"
        return refuse(f"Unsupported value: {message}", "reasoning.effort", UNSUPPORTED_VALUE)
    reasons = not row.recent or effort != "none"
    if reasons and row.temperature is not None and _is_set(body.get("temperature")):
        return unsupported_parameter("temperature", code=None)
    top_p = body.get("top_p")
    if reasons and row.top_p and (_is_set(top_p) or (row.recent and top_p is not None)):
        return unsupported_parameter("top_p", code=None)
    if not row.recent:
        return None
    error = _check_responses_probabilities(body) if reasons else None
    return error or _check_retention(body, "invalid_parameter")


def _check_responses_probabilities(body: Mapping[str, Json]) -> Failure | None:
    """Return the refusal of penalties or probabilities of tokens by a recent model that reasons."""
    name = next(_set_penalties(body), None)
    if name is not None:
        return unsupported_parameter(name, code=None)
    include = body.get("include")
    if type(include) is list and "message.output_text.logprobs" in include:
        param = "include"
    elif body.get("top_logprobs"):
        param = "top_logprobs"
    else:
        return None
    return refuse("logprobs are not supported with reasoning models.", param, UNSUPPORTED_PARAMETER)


def _check_tools(body: Mapping[str, Json], row: ModelRestrictions, effort: Json) -> Failure | None:
    """Return the refusal of functions by a model that reasons."""
    if row.tools is None or effort == "none" or (row.tools == "named" and effort is None):
        return None
    if not any(tool.get("type") == "function" for tool in objects(body.get("tools"))):
        return None
    message = (
        f"Function tools with reasoning_effort are not supported for {body['model']} in /v1/chat/completions. "
        "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
    )
    return refuse(message, "reasoning_effort")


def _check_sampling(body: Mapping[str, Json], row: ModelRestrictions) -> Failure | None:
    temperature = body.get("temperature")
    if row.temperature == UNSUPPORTED_PARAMETER and _is_set(temperature):
        return unsupported_parameter("temperature")
    if row.temperature == UNSUPPORTED_VALUE and _is_set(temperature):
        only = "Only the default (1) value is supported."
        message = f"Unsupported value: 'temperature' does not support {temperature} with this model. {only}"
        return refuse(message, "temperature", UNSUPPORTED_VALUE)
    return unsupported_parameter("top_p") if row.top_p and _is_set(body.get("top_p")) else None


def _set_penalties(body: Mapping[str, Json]) -> Iterator[str]:
    return (name for name in ("presence_penalty", "frequency_penalty") if body.get(name))


def _set_probabilities(body: Mapping[str, Json]) -> Iterator[str]:
    """Yield the names of the penalties and of `logprobs` that are not the default."""
    yield from _set_penalties(body)
    if body.get("logprobs"):
        yield "logprobs"


def _check_retention(body: Mapping[str, Json], code: str | None = None) -> Failure | None:
    if body.get("prompt_cache_retention") != "in_memory":
        return None
    message = "This model is compatible only with 24h extended prompt caching"
    return refuse(message, "prompt_cache_retention", code)


def check_messages_of_model(body: Mapping[str, Json]) -> Failure | None:
    """Return the error of the first message that the model does not support: by its role, or by an image."""
    row = _row(body)
    roles, accepts_images = row.roles, not row.audio
    if not roles and accepts_images:
        return None
    for place, message in enumerate(objects(body.get("messages"))):
        role = message.get("role")
        if not accepts_images and any(
            part.get("type") == "image_url" for part in objects(message.get("content"))
        ):
            path = f"messages[{place}].content"
            return refuse("Images are not supported with this model.", path, "invalid_value")
        if role in roles:
            path = f"messages[{place}].role"
            return refuse(
                f"Unsupported value: '{path}' does not support '{role}' with this model.",
                path,
                UNSUPPORTED_VALUE,
            )
    return None


def _is_set(value: Json) -> bool:
    """Return whether a sampling parameter has another value than the default."""
    return type(value) in (int, float) and value != 1


def unsupported_parameter(name: str, hint: str = "", code: str | None = UNSUPPORTED_PARAMETER) -> Failure:
    return refuse(f"Unsupported parameter: '{name}' is not supported with this model.{hint}", name, code)
