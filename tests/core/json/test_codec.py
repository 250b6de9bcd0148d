"""JSON as this project reads and writes it."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable

import orjson
import pytest

from mockllm.core.json.codec import (
    MANY_ITEMS,
    MAX_DEPTH,
    MISSING,
    Json,
    JSONDecodeError,
    canonical,
    dumps,
    loads,
    pretty,
)

VALUE = {"b": [1, None, True], "a": "é"}


def test_dumps_pretty_and_canonical_formats() -> None:
    assert dumps(VALUE) == '{"b":[1,null,true],"a":"é"}'.encode()
    assert pretty([1]) == b"[\n  1\n]"
    assert pretty({"a": [1]}) == b'{\n  "a": [\n    1\n  ]\n}'
    assert canonical(VALUE) == '{"a":"é","b":[1,null,true]}'.encode()
    assert loads(canonical(VALUE)) == VALUE


@pytest.mark.parametrize("count", [MANY_ITEMS, MANY_ITEMS + 1, 1000])
@pytest.mark.parametrize("item", [1, "a\nb", [], {}, [1, {"a": [2.5]}], {"b": {"c": [None]}}])
def test_pretty_of_long_list_equals_one_call(count: int, item: Json) -> None:
    value = {"object": "list", "é": [item] * count, "usage": {"tokens": [1, 2]}, "empty": []}
    assert pretty(value) == orjson.dumps(value, option=orjson.OPT_INDENT_2)


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b'"\xff"', b'"\\ud800"', b"{'a': 1}", b"[1,]"])
def test_loads_refuses_what_providers_refuse(text: bytes) -> None:
    with pytest.raises(JSONDecodeError):
        loads(text)


def test_loads_refuses_too_deep_nesting() -> None:
    for opening, closing in (("[", "]"), ('{"a": ', "}")):
        last, deep = (opening * depth + "1" + closing * depth for depth in (MAX_DEPTH, MAX_DEPTH + 1))
        assert dumps([loads(last), loads(last.encode())])
        for text in (deep, deep.encode()):
            with pytest.raises(JSONDecodeError, match="nested deeper than 200 levels"):
                loads(text)
    wide = "[" + "[{}]," * 1000 + "1]"
    assert len(loads(wide)) == len(loads(wide.encode())) == 1001


def test_missing_differs_from_null() -> None:
    assert not MISSING
    assert MISSING is not None
    assert repr(MISSING) == "MISSING"


def test_dumps_of_object_without_json_raises_type_error() -> None:
    with pytest.raises(TypeError, match="not JSON"):
        dumps(object())


@pytest.mark.parametrize("write", [dumps, pretty], ids=["dumps", "pretty"])
def test_written_json_has_no_spare_memory(write: Callable[[Json], bytes]) -> None:
    tracemalloc.start()
    try:
        written = [write({"number": number}) for number in range(100)]
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 200 * len(written)


def test_deep_items_leave_the_memory_of_the_process_intact() -> None:
    code = (
        "from mockllm.core.json.codec import loads\n"
        "item = '[' * 198 + ']' * 198\n"
        "for padding in range(40):\n"
        "    loads('{\"n\":\"' + 'x' * padding + '\",\"messages\":[' + ','.join([item] * 10) + ']}')\n"
    )
    checking = {**os.environ, "PYTHONMALLOC": "debug"}  # ends the process after a write behind a block
    ended = subprocess.run([sys.executable, "-c", code], env=checking, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
