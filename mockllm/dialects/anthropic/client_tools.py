"""Anthropic's tools that the client runs: the service knows their input, so that a request has no schema of it.

Sources: the tools in `anthropic.types` and `anthropic.types.beta`, such as `BetaMemoryTool20250818ViewCommand`; for
toolsets `BetaComputerMemberName`, `BetaBrowserMemberName`, and the inputs and blocks of their members. Which members
of the browser are offered by default is unknown here, so all are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, objects, text_of
from mockllm.core.request.tools import Tool, schema_of_members

Properties = Mapping[str, Json]
"""The members of a call's input: the required ones, with values that change nothing."""

_DATED: Final = re.compile(r"(\w+)_20\d{6}")
_VIEW: Final[dict[str, Json]] = {"const": "view"}
_INPUTS: Final[Mapping[str, Properties]] = {
    "bash": {"command": {"type": "string", "examples": ["ls -la"]}},
    "computer": {"action": {"const": "screenshot"}},
    "memory": {"command": _VIEW, "path": {"const": "/memories"}},
    "text_editor": {"command": _VIEW, "path": {"type": "string"}},
}
"""The input of each tool by its type without the date."""

_NOTHING: Final[Properties] = MappingProxyType({})
_POINT: Final[Json] = {"const": [0, 0]}
_AT_POINT: Final[Properties] = {"target": {"const": {"type": "coordinate", "x": 0, "y": 0}}}
_AT_ELEMENT: Final[Properties] = {"target": {"const": {"type": "ref", "ref": "ref_1"}}}
_REGION: Final[Properties] = {"region": {"const": [0, 0, 100, 100]}}
_DURATION: Final[Properties] = {"duration": {"const": 1}}
_DIRECTION: Final[Properties] = {"scroll_direction": {"const": "down"}}
_KEY: Final[Properties] = {"text": {"const": "Shift"}}
_TEXT: Final[Properties] = {"text": {"type": "string"}}
_TAB: Final[Properties] = {"tab_id": {"const": "1"}}
_CLICKS: Final = ("left_click", "right_click", "middle_click", "double_click", "triple_click")
_TOOLSETS: Final[Mapping[str, Mapping[str, Properties]]] = {
    "computer_toolset": {
        **dict.fromkeys(("screenshot", "cursor_position"), _NOTHING),
        "zoom": _REGION,
        "wait": _DURATION,
        "mouse_move": {"coordinate": _POINT},
        **dict.fromkeys((*_CLICKS, "left_mouse_down", "left_mouse_up"), _NOTHING),
        "left_click_drag": {"start_coordinate": _POINT, "coordinate": _POINT},
        "scroll": {**_DIRECTION, "scroll_amount": {"const": 1}},
        "key": _KEY,
        "hold_key": {**_KEY, **_DURATION},
        "type": _TEXT,
    },
    "browser_toolset": {
        **dict.fromkeys(("screenshot", "list_tabs", "read_page", "get_page_text"), _NOTHING),
        **dict.fromkeys(("read_console", "read_network"), _NOTHING),
        "find": {"query": {"type": "string"}},
        "zoom": _REGION,
        "wait": _DURATION,
        "navigate": {"url": {"const": "reload"}},
        "new_tab": _NOTHING,
        **dict.fromkeys(("switch_tab", "close_tab"), _TAB),
        "scroll_to": _AT_ELEMENT,
        "scroll": {**_DIRECTION, **_AT_POINT},
        **dict.fromkeys((*_CLICKS, "hover", "mouse_move", "left_mouse_down", "left_mouse_up"), _AT_POINT),
        "left_click_drag": {"from": _AT_POINT["target"], **_AT_POINT},
        "form_input": {**_AT_ELEMENT, "value": {"type": "string"}},
        "file_upload": {**_AT_ELEMENT, "paths": {"const": []}},
        "key": _KEY,
        "hold_key": {**_KEY, **_DURATION},
        "type": _TEXT,
        "javascript_exec": {"text": {"const": "document.title"}},
    },
}
"""The members of each toolset by its type without the date, with their input. `from_schema` calls the first one."""


def offered_tools(tools: Json) -> tuple[Tool, ...]:
    """Return the tools that a request offers, the members of its toolsets included."""
    return tuple([tool for tool, _ in _offers(tools)])


def toolsets_by_tool(tools: Json) -> dict[str, str]:
    """Return the name of the toolset of each offered member."""
    return {tool.name: toolset for tool, toolset in _offers(tools) if toolset is not None}


def _offers(tools: Json) -> Iterator[tuple[Tool, str | None]]:
    """Yield each tool with its toolset. Where two have one name, a member is left out."""
    known = set[str]()
    for item in objects(tools):
        name = text_of(item.get("name"))
        if name is not None:
            known.add(name)
            yield _named(name, item), None
            continue
        kind, configs = _dateless(item.get("type")), object_of(item.get("configs"))
        for member, properties in _TOOLSETS.get(kind, {}).items():
            if member not in known and object_of(configs.get(member)).get("enabled") is not False:
                known.add(member)
                yield Tool(member, schema_of_members(properties)), kind.removesuffix("_toolset")


def _named(name: str, item: dict[str, Json]) -> Tool:
    schema, kind = item.get("input_schema"), text_of(item.get("type"))
    if schema is None and kind is not None and kind != "custom":
        properties = _INPUTS.get(_dateless(kind))
        if properties is None:
            return Tool(name, kind=kind)
        schema = schema_of_members(properties)
    return Tool(name, schema, text_of(item.get("description")))


def _dateless(kind: Json) -> str:
    """Return the type of a tool without its date; "" for any other."""
    dated = _DATED.fullmatch(kind) if type(kind) is str else None
    return "" if dated is None else dated[1]
