"""Files with anything anywhere: each is imported, or refused with its position; none is a traceback, and imported
files can be served."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from mockllm.core.json.codec import Json, dumps
from mockllm.recordings.import_file import ImportFile, NotImported
from mockllm.recordings.importer import import_recordings
from mockllm.recordings.scenario_writer import RequestParser
from tests.examples import some
from tests.language.virtual_server import VirtualServer
from tests.recordings.sample_files import ANSWER, BODY, HAR, LOG, vcrpy
from tests.recordings.test_cassettes import GO
from tests.recordings.test_other_mocks import AIMOCK, WIREMOCK

ODD: Final[tuple[Json, ...]] = (None, -1, True, 1e300, "x\x00é${x}", [], {}, [1], {"a": 1})
EXCHANGE: Final[dict[str, Any]] = {
    "request": {
        "method": "POST",
        "path": "/v1/chat/completions",
        "query": {"a": "b"},
        "headers": {"a": "b"},
        "body": BODY,
    },
    "response": {
        "status": 200,
        "headers": {"content-type": "application/json"},
        "body_encoding": "utf8",
        "body": json.loads(ANSWER),
    },
}
FILES: Final[dict[str, Any]] = {
    "cassette.json": vcrpy({"string": ANSWER}),
    "go.json": GO,
    "page.har": HAR,
    "fixtures.json": AIMOCK,
    "mappings.json": WIREMOCK,
    "exchange.json": EXCHANGE,
    "log.jsonl": LOG,
}
READER: Final = RequestParser()
Way = tuple[str | int, ...]


def ways(value: Json, to: Way = ()) -> Iterator[Way]:
    """The paths of all values in it."""
    yield to
    for key, held in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from ways(held, (*to, key))


def with_odd(value: Json, way: Way, odd: Json) -> Json:
    """The same with this there."""
    if not way:
        return odd
    result = copy.deepcopy(value)
    held = result
    for key in way[:-1]:
        held = held[key]
    held[way[-1]] = odd
    return result


@pytest.mark.parametrize("name", FILES)
def test_odd_value_is_imported_or_refused_with_position(name: str) -> None:
    taken, loaded = 0, set(some(range(0, 10_000, 3)))
    for number, way in enumerate(ways(FILES[name])):
        for odd in ODD:
            try:
                result = import_recordings(ImportFile(name, dumps(with_odd(FILES[name], way, odd))), READER)
            except NotImported as error:
                assert str(error).startswith(name)  # noqa: PT017 - both ends are right
                continue
            taken += 1
            if number in loaded and "bodyFileName" not in way:  # loading takes long, and wants that file
                VirtualServer({"a.yaml": result.text, "__files/a.json": "{}"})
    assert taken > 50
