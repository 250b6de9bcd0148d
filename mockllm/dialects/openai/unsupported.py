"""Parameters, values and roles that a model does not support, with the service's refusals.

The first glob of a table that matches the model decides; a model in no row supports everything. Sources: recordings
of o1-mini (`stop`, roles) and o4-mini (effort), and public reports of 2024 to 2026 with the error's object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, objects
from mockllm.core.text_cache import text_cache
from mockllm.dialects.openai.validators import refuse, supported

OWN_MODELS: Final = frozenset({None, "openai", "azure"})
"""The providers whose models these are; None where a request has no provider."""
EARLY: Final = ("low", "medium", "high")
MINIMAL: Final = ("minimal", *EARLY)
NONE: Final = ("none", *EARLY)


class UnsupportedOfModel(Struct, frozen=True):
    """What a family of models refuses. `temperature`: the code of a refusal of any value but 1. `top_p`: whether it
    is refused likewise. `efforts`: the supported ones; empty where all pass."""

    max_tokens: bool = True
    stop: bool = False
    temperature: str | None = None
    top_p: bool = False
    roles: tuple[str, ...] = ()
    efforts: tuple[str, ...] = ()


ALL: Final = UnsupportedOfModel(max_tokens=False)
_VALUE, _PARAMETER = "unsupported_value", "unsupported_parameter"
_EARLIEST: Final = UnsupportedOfModel(
    stop=True, temperature=_VALUE, top_p=True, roles=("system", "developer"), efforts=EARLY
)
_FIVE: Final = UnsupportedOfModel(stop=True, temperature=_VALUE, top_p=True, efforts=MINIMAL)
MODELS: Final = (
    ("gpt-5*-chat*", ALL),
    ("o1-mini*", _EARLIEST),
    ("o1-preview*", _EARLIEST),
    ("o1*", UnsupportedOfModel(temperature=_PARAMETER, top_p=True, efforts=EARLY)),
    ("o3-mini*", UnsupportedOfModel(temperature=_PARAMETER, top_p=True, efforts=EARLY)),
    ("o[34]*", UnsupportedOfModel(stop=True, temperature=_VALUE, top_p=True, efforts=EARLY)),
    ("gpt-5-pro*", UnsupportedOfModel(stop=True, temperature=_VALUE, top_p=True, efforts=("high",))),
    ("gpt-5", _FIVE),
    ("gpt-5-2025*", _FIVE),
    ("gpt-5-mini*", _FIVE),
    ("gpt-5-nano*", _FIVE),
    ("gpt-5.1", UnsupportedOfModel(efforts=NONE)),
    ("gpt-5.1-2025*", UnsupportedOfModel(efforts=NONE)),
    ("gpt-5.*", UnsupportedOfModel()),
    ("*", ALL),
)
"""Later models accept a temperature without reasoning; which efforts they know has changed with each of them."""


@text_cache(256)  # clients repeat a few models
def unsupported_of(model: str) -> UnsupportedOfModel:
    return next(row for glob, row in MODELS if fnmatchcase(model, glob))


def check_chat_model(body: Mapping[str, Json]) -> Failure | None:
    """Return the error of the first field of a chat request that its model does not support."""
    model = body.get("model")
    row = unsupported_of(model) if type(model) is str else ALL
    if row is ALL:
        return None
    if row.max_tokens and body.get("max_tokens") is not None:
        return _unsupported("max_tokens", " Use 'max_completion_tokens' instead.")
    if row.stop and body.get("stop") is not None:
        return _unsupported("stop")
    error = _check_sampling(body, row)
    if error is not None:
        return error
    effort = body.get("reasoning_effort")
    if type(effort) is str and row.efforts and effort not in row.efforts:
        message = f"'reasoning_effort' does not support '{effort}' with this model. {supported(row.efforts)}"
        return refuse(f"Unsupported value: {message}", "reasoning_effort", _VALUE)
    return _check_roles(body, row.roles) if row.roles else None


def check_responses_model(body: Mapping[str, Json]) -> Failure | None:
    """Return the error of the first field of a responses request that its model does not support."""
    model = body.get("model")
    row = unsupported_of(model) if type(model) is str else ALL
    effort = object_of(body.get("reasoning")).get("effort")
    if type(effort) is str and row.efforts and effort not in row.efforts:
        message = f"'{effort}' is not supported with the '{body['model']}' model. {supported(row.efforts)}"
        return refuse(f"Unsupported value: {message}", "reasoning.effort", _VALUE)
    if row.temperature is not None and _is_set(body.get("temperature")):
        return _unsupported("temperature", code=None)
    return _unsupported("top_p", code=None) if row.top_p and _is_set(body.get("top_p")) else None


def _check_sampling(body: Mapping[str, Json], row: UnsupportedOfModel) -> Failure | None:
    temperature = body.get("temperature")
    if row.temperature == _PARAMETER and _is_set(temperature):
        return _unsupported("temperature")
    if row.temperature == _VALUE and _is_set(temperature):
        only = "Only the default (1) value is supported."
        message = f"Unsupported value: 'temperature' does not support {temperature} with this model. {only}"
        return refuse(message, "temperature", _VALUE)
    return _unsupported("top_p") if row.top_p and _is_set(body.get("top_p")) else None


def _check_roles(body: Mapping[str, Json], roles: Sequence[str]) -> Failure | None:
    for place, message in enumerate(objects(body.get("messages"))):
        role = message.get("role")
        if role in roles:
            path = f"messages[{place}].role"
            return refuse(
                f"Unsupported value: '{path}' does not support '{role}' with this model.", path, _VALUE
            )
    return None


def _is_set(value: Json) -> bool:
    """Return whether a sampling parameter has another value than the default."""
    return type(value) in (int, float) and value != 1


def _unsupported(name: str, hint: str = "", code: str | None = _PARAMETER) -> Failure:
    return refuse(f"Unsupported parameter: '{name}' is not supported with this model.{hint}", name, code)
