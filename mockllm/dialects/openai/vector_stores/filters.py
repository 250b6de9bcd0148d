"""The filters of a search by the attributes of files.

Sources: `ComparisonFilter` and `CompoundFilter` of the openai package. A file without the attribute passes `ne` and
`nin` alone, and values of different types are not equal: both are inferred.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import ge, gt, le, lt
from typing import Final, TypeAlias

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.dialects.openai.validators import (
    Check,
    array,
    by_type,
    members,
    refuse,
    string,
    wrong_type,
)

MAX_FILTERS: Final = 100
"""The most filters of a search, those in others included: a bound of this server."""
MAX_VALUES: Final = 200
"""The most values in all lists of a search's filters: each file is compared with them."""
_ORDERS: Final[dict[str, Callable[[Json, Json], bool]]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}
_COMPOUND: Final = ("and", "or")
Attributes: TypeAlias = Mapping[str, Json]


def _scalar(value: Json, path: str) -> Failure | None:
    if type(value) in (str, bool, int, float):
        return None
    return wrong_type(value, path, "one of a string, a number or a boolean")


def _comparison(check_value: Check) -> Check:
    return members(("key", "value"), {"key": string, "value": check_value})


_list: Final = array(lambda value, path: None, "objects", 1, MAX_FILTERS)
_several: Final = array(_scalar, "values", 0, MAX_FILTERS)
_check_one: Final = by_type(
    {
        **dict.fromkeys(("eq", "ne", *_ORDERS), _comparison(_scalar)),
        **dict.fromkeys(("in", "nin"), _comparison(_several)),
        **dict.fromkeys(_COMPOUND, members(("filters",), {"filters": _list})),
    }
)


def check_filters(value: Json, path: str) -> Failure | None:
    """Return the failure of a filter, of one in it, or of too many."""
    waiting, count, values = [(value, path)], 0, 0
    while waiting:
        each, place = waiting.pop(0)
        count += 1
        if count > MAX_FILTERS:
            message = f"Invalid '{path}': too many filters. Expected at most {MAX_FILTERS} filters."
            return refuse(message, path, "invalid_value")
        error = _check_one(each, place)
        if error is not None:
            return error
        if each["type"] in ("in", "nin"):
            values += len(each["value"])
            if values > MAX_VALUES:
                message = f"Invalid '{path}': too many values. Expected at most {MAX_VALUES} values."
                return refuse(message, path, "invalid_value")
        if each["type"] in _COMPOUND:
            waiting += [(inner, f"{place}.filters[{at}]") for at, inner in enumerate(each["filters"])]
    return None


def passes(attributes: Attributes, wanted: Json) -> bool:
    """Return whether a file with these attributes passes a filter that was checked."""
    kind = wanted["type"]
    if kind in _COMPOUND:
        results = (passes(attributes, each) for each in wanted["filters"])
        return all(results) if kind == "and" else any(results)
    found, value = attributes.get(wanted["key"]), wanted["value"]
    if kind in ("in", "nin"):
        return any(_equal(found, each) for each in value) is (kind == "in")
    if kind in ("eq", "ne"):
        return _equal(found, value) is (kind == "eq")
    return _comparable(found, value) and _ORDERS[kind](found, value)


def _comparable(left: Json, right: Json) -> bool:
    return _kind(left) is _kind(right) and _kind(left) in (str, float)


def _equal(left: Json, right: Json) -> bool:
    return _kind(left) is _kind(right) and left == right


def _kind(value: Json) -> type:
    return float if type(value) is int else type(value)
