"""Names that the package writes as strings or by position exist: no type checker sees when one is renamed."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Final

from msgspec import Struct
from propcache.api import cached_property

from mockllm.core.rendering.plan import Plan, ResponseHead
from mockllm.core.request import request as request_module
from mockllm.core.request.request import Request
from mockllm.dialects.providers import DIALECTS
from mockllm.engine.engine_request import EngineRequest
from tests.test_import_circles import module_files

PLAN: Final = Plan(ResponseHead(200, ()), ())


@cache
def sources() -> dict[str, str]:
    return {name: path.read_text(encoding="utf-8") for name, path in module_files().items()}


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(sources()[module])


def calls(function: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls of a function of this name, with their modules."""
    for module, source in sources().items():
        if f"{function}(" in source:
            for node in ast.walk(tree(module)):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(function):
                    yield module, node


def texts(call: ast.Call) -> set[str]:
    constants = (argument.value for argument in call.args if isinstance(argument, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


def test_names_that_are_read_of_dialects_exist() -> None:
    read = {
        name for _, call in calls("getattr") if "dialect" in ast.unparse(call.args[0]) for name in texts(call)
    }
    assert {"decode", "storage_update", "own_response", "own_response_from_models"} <= read
    assert {name for name in read if not any(hasattr(dialect, name) for dialect in DIALECTS)} == set()


def test_lazy_values_that_are_read_by_name_exist() -> None:
    read = {name for _, call in calls("request.__dict__.get") for name in texts(call)}
    assert read == {"model", "input_tokens"}
    assert all(isinstance(inspect.getattr_static(Request, name), cached_property) for name in read)


def test_attributes_that_readers_set_exist_in_requests() -> None:
    """The reader of a head and `Request.of` write into the `__dict__` of a request."""
    written = {*request_module._NON_BODY_ATTRIBUTES}
    for module in (
        "mockllm.engine.request_reader",
        "mockllm.engine.engine_request",
        "mockllm.core.request.request",
    ):
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.Dict):
                written |= {str(key.value) for key in node.keys if isinstance(key, ast.Constant)}
            elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("attributes"):
                written.add(ast.literal_eval(node.slice))
    assert {"method", "volatile", "raw"} <= written
    of_engine = {*dir(EngineRequest), *EngineRequest.__annotations__}
    assert written - {*inspect.signature(Request.__init__).parameters, *of_engine} == set()


def test_fields_that_replace_names_exist() -> None:
    """`msgspec.structs.replace` takes any keyword."""
    for module, source in sources().items():
        if "(Struct" in source:
            import_module(module)
    fields = {field for struct in subclasses(Struct) for field in struct.__struct_fields__}
    named = {
        (module, keyword.arg)
        for module, call in calls("replace")
        if "from msgspec.structs import replace" in sources()[module] and isinstance(call.func, ast.Name)
        for keyword in call.keywords
        if keyword.arg is not None
    }
    assert len(named) > 100
    assert {(module, name) for module, name in named if name not in fields} == set()


def subclasses(kind: type[Struct]) -> Iterator[type[Struct]]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)
