"""Recordings with a field that is missing, null or of another type are compared all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mockllm.conformance.protocols import PROTOCOLS
from mockllm.conformance.shape import Protocol, Recording, sent_body
from mockllm.conformance.tolerant import tolerant
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.reply.reply import Reply
from tests.conformance.comparison import RecordedCase, planned
from tests.conformance.outlines import committed_cases

OTHER_VALUES: tuple[Json, ...] = (None, 7, "x", [], {})
MAX_CASES = 3
MAX_ITEMS = 12
"""How many items of one node are altered: vectors have thousands."""


def recording_of(protocol: Protocol, case: RecordedCase) -> Recording:
    """Return this server's response to a case as a recording."""
    path, _, _ = case.path.partition("?")
    plan = planned(protocol, case)
    return {
        "id": case.id,
        "request": {"headers": dict(case.headers), "query": {}, "path": path, "body": dict(case.body)},
        "response": {
            "status": plan.head.status,
            "headers": {},
            "body": sent_body(plan),
        },
        "features": [],
    }


def altered(tree: Any) -> Iterator[Any]:
    """Yield the tree with one node changed or left out."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, child in list(items)[:MAX_ITEMS]:
        copied: Any = dict(tree) if isinstance(tree, dict) else list(tree)
        del copied[key]
        yield copied
        for changed in (*OTHER_VALUES, *altered(child)):
            copied = dict(tree) if isinstance(tree, dict) else list(tree)
            copied[key] = changed
            yield copied


def altered_bodies(body: Any) -> Iterator[Any]:
    if not isinstance(body, str):
        yield from (changed for changed in altered(body) if isinstance(changed, dict | list))
        return
    blocks = body.replace("\r\n", "\n").split("\n\n")
    for place, block in [*enumerate(blocks)][:3] + [*enumerate(blocks)][-3:]:
        name, found, data = block.rpartition("data: ")
        if found and data.startswith("{"):
            for changed in altered(loads(data)):
                yield "\n\n".join(
                    (*blocks[:place], f"{name}data: {dumps(changed).decode()}", *blocks[place + 1 :])
                )


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.folder)
def test_altered_response_is_decoded(protocol: Protocol) -> None:
    errors: list[str] = []
    decode = tolerant(protocol, errors).decode
    for case in list(committed_cases(protocol))[:MAX_CASES]:
        recording: Any = recording_of(protocol, case)
        for body in altered_bodies(recording["response"]["body"]):
            changed = {**recording, "response": {**recording["response"], "body": body}}
            before = len(errors)
            assert isinstance(decode(changed), Reply | Failure)
            assert len(errors) - before <= 1
    assert all(error.partition(" ")[0].isidentifier() for error in errors)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.folder)
def test_altered_request_has_settings(protocol: Protocol) -> None:
    settings = tolerant(protocol, []).settings
    for case in list(committed_cases(protocol))[:MAX_CASES]:
        for body in altered(dict(case.body)):
            assert isinstance(settings(body), dict)
