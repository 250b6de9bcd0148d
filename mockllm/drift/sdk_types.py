"""The official SDKs' types of a field: required, optional, or unknown.

The types are those of the installed SDK; `ProviderCall.sdk_types` names them.
"""

from __future__ import annotations

import importlib
import re
import types
import typing
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, TypeAlias, TypeGuard

from msgspec import Struct
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mockllm.dialects.dialect import Dialect
from mockllm.dialects.providers import REGISTERED

FieldPresence: TypeAlias = Literal["required", "optional", "unknown", "no types"]
_JSON: Final[dict[object, str]] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
    dict: "object",
    list: "array",
}


class Knowledge(Struct, frozen=True):
    """The type of a place in an SDK. `types` are the JSON types that it takes there; `by` names the SDK's class, or
    says why there is nothing to say."""

    field: FieldPresence
    types: frozenset[str] = frozenset()
    by: str = ""


def knowledge(dialect: Dialect, *, streamed: bool, path: str, event: str = "") -> Knowledge:
    """Return what the SDK of a dialect knows of the field at a path (`$.choices[].message`), or, with the path "", of
    a kind of event."""
    root = _root(dialect, streamed)
    if isinstance(root, Knowledge):
        return root
    members = [root] if not streamed else list(_of_event(root, event))
    if not path or not members:
        events = any(True for _ in _discriminated(root))
        known = bool(members) if events else None
        return Knowledge("no types" if known is None else "optional" if known else "unknown", by=_name(root))
    return _field(members, re.findall(r"\.([^.\[]+)|(\[\])", path))


def _root(dialect: Dialect, streamed: bool) -> object:
    call = next(
        (
            call
            for provider in REGISTERED
            for call in provider.calls
            if call.sdk_types and (call.dialect.name, call.dialect.api) == (dialect.name, dialect.api)
        ),
        None,
    )
    if call is None:
        return Knowledge("no types", by="no SDK has types for this call")
    return _imported(call.sdk_types[1 if streamed else 0])


def _imported(name: str) -> object:
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError):
        package = (
            module.removesuffix(".types").replace(".", "-") if "genai" in module else module.partition(".")[0]
        )
        return Knowledge("no types", by=f"install {package} to tell")


def _of_event(root: object, event: str) -> Iterator[object]:
    """Yield the member of a union for a kind of event; all of it where the kind is no type of an event."""
    named = list(_discriminated(root))
    if not named:
        yield root
    words = set(event.split())
    for words_of, member in named:
        if words_of & words:
            yield member


def _discriminated(root: object) -> Iterator[tuple[set[str], object]]:
    """Yield the classes of a union of events with the values of their `type`, and the types of their `delta`."""
    members = list(_members(root))
    for member in members if len(members) > 1 else ():
        literals = _literals_of_type(member)
        delta = member.model_fields.get("delta") if _is_model(member) else None
        for inner in _members(delta.annotation) if delta is not None else ():
            literals |= _literals_of_type(inner)
        yield literals, member


def _literals_of_type(model: object) -> set[str]:
    field = model.model_fields.get("type") if _is_model(model) else None
    return (
        {value for each in _members(field.annotation) for value in typing.get_args(each)} if field else set()
    )


def _field(members: Iterable[object], steps: list[tuple[str, str]]) -> Knowledge:
    """Return what classes know of a field: the last of the steps."""
    holders, required, by = list(members), True, ""
    for name, _ in steps:
        found: list[object] = []
        required = True
        for holder in (each for item in holders for each in _members(item)):
            if not name:
                found += typing.get_args(holder)[:1] if typing.get_origin(holder) in (list, tuple) else []
            elif _is_model(holder):
                field = _field_of(holder, name)
                if field is not None:
                    found.append(field.annotation)
                    required, by = required and field.is_required(), f"{holder.__name__}.{name}"
            elif holder in (Any, object, dict) or typing.get_origin(holder) is dict:
                return Knowledge("no types", by="any value")
        if not found:
            above = ", ".join(_name(each) for item in holders for each in _members(item) if _is_model(each))
            return Knowledge("unknown", by=f"not in {above}" if above else "")
        holders = found
    accepted = frozenset(_json(each) for item in holders for each in _members(item))
    return Knowledge("required" if required else "optional", accepted, by)


def _field_of(model: type[BaseModel], name: str) -> FieldInfo | None:
    """Return a field by its name on the wire: its alias, or its own name in camel case."""
    for own, field in model.model_fields.items():
        camel = re.sub(r"_(\w)", lambda match: match[1].upper(), own)
        if name in (own, field.alias, camel):
            return field
    return None


def _members(annotation: object) -> Iterator[object]:
    """Yield the members of a union, at any depth; without annotations' metadata."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from _members(typing.get_args(annotation)[0])
    elif origin in (typing.Union, types.UnionType):
        for member in typing.get_args(annotation):
            yield from _members(member)
    elif isinstance(annotation, typing.TypeAliasType if hasattr(typing, "TypeAliasType") else ()):
        yield from _members(annotation.__value__)
    else:
        yield annotation


def _json(annotation: object) -> str:
    """Return the JSON type that an annotation takes."""
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return _JSON.get(type(typing.get_args(annotation)[0]), "string")
    return _JSON.get(origin or annotation, "object" if _is_model(annotation) else "string")


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _name(annotation: object) -> str:
    return getattr(annotation, "__name__", "") or " or ".join(
        getattr(member, "__name__", "") for member in list(_members(annotation))[:3]
    )
