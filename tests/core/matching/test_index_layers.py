"""The layers of the rule index whose rows are cached by the values that a client chooses."""

from __future__ import annotations

from collections import deque

import pytest

from mockllm.core.matching.conditions import Contains
from mockllm.core.matching.index_layers import MAX_CACHED_NAMES, MAX_CACHED_VALUES, ToolNamesLayer
from mockllm.core.matching.matchers import Field
from mockllm.core.request.request import Request


def with_tools(*names: str) -> Request:
    request = Request(method="POST", path="/", headers={})
    vars(request)["tool_names"] = names
    return request


@pytest.fixture
def layer() -> ToolNamesLayer:
    """A row that matches where a tool has the name `look`."""
    layer = ToolNamesLayer(Field("tools"))
    layer.add(0, Field("tools"), Contains("look"))
    deque(layer.build(1), maxlen=0)
    return layer


def test_rows_of_equal_names_are_cached(layer: ToolNamesLayer) -> None:
    for _ in range(2):
        assert layer.lookup(with_tools("find", "look")) == 1
        assert layer.lookup(with_tools("find")) == 0
    assert len(layer._cache) == 2


@pytest.mark.parametrize("name", ["", "look"])
def test_rows_of_many_names_are_not_cached(layer: ToolNamesLayer, name: str) -> None:
    assert layer.lookup(with_tools(*[name] * (MAX_CACHED_NAMES + 1))) == (name == "look")
    assert layer._cache == {}


def test_full_cache_of_rows_begins_anew(layer: ToolNamesLayer) -> None:
    for number in range(MAX_CACHED_VALUES + 1):
        assert layer.lookup(with_tools(f"look{number}")) == 0
    assert len(layer._cache) == 1
