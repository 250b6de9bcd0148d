"""The arguments of a completion (`completion_args`): what an agent, a conversation and a request set of them.

From `CompletionArgs` of the `mistralai` package (3.7).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import count_of, object_of, texts
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.openai.request_fields import read_format
from mockllm.dialects.openai.validators import (
    array,
    decimal,
    integer,
    members,
    object_,
    one_of,
    string,
    text_or,
)

CHOICES: Final = ("auto", "none", "any", "required")
check_arguments: Final = members(
    (),
    {
        "stop": text_or(list, array(string, "strings"), "array"),
        "presence_penalty": decimal(-2, 2),
        "frequency_penalty": decimal(-2, 2),
        "temperature": decimal(0, 1.5),
        "top_p": decimal(0, 1),
        "max_tokens": integer(0),
        "random_seed": integer(0),
        "prediction": object_,
        "response_format": object_,
        "tool_choice": one_of(*CHOICES),
        "reasoning_effort": string,
    },
)
"""Return the failure of wrong arguments."""


def response_format(arguments: Mapping[str, Json]) -> Format:
    fields = object_of(arguments.get("response_format"))
    return read_format(fields, object_of(fields.get("json_schema")))


def output_bounds(arguments: Mapping[str, Json]) -> OutputBounds:
    stop = arguments.get("stop")
    stops = (stop,) if type(stop) is str else tuple(texts(stop))
    return OutputBounds(1, stops, count_of(arguments.get("max_tokens")))


def tool_choice(arguments: Mapping[str, Json]) -> ToolChoice:
    choice = arguments.get("tool_choice")
    return ToolChoice("any" if choice == "required" else choice if choice in ("any", "none") else "auto")
