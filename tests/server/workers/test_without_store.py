"""Workers without a store: what a request gets that needs a stored object."""

from __future__ import annotations

import asyncio

import pytest

from mockllm.core.failure import Failure
from mockllm.server.workers.no_store import NoStore
from mockllm.state.fetched_objects import FetchKey, ObjectToFetch


class Unbound(NoStore):
    """Without the state of workers."""

    def __init__(self) -> None: ...


@pytest.mark.parametrize("id", ["resp_1", "file-1", "vs_1", "batch_1"])
def test_stored_object_of_any_kind_is_refused_by_its_noun(id: str) -> None:
    key: FetchKey = ("stored", id)
    failure = asyncio.run(Unbound().fetch(ObjectToFetch("", key, lambda: None)))
    assert isinstance(failure, Failure)
    assert failure.status == 400
    assert "no store, so it has no stored objects; start it with --store" in (failure.message or "")


def test_a_call_is_unknown() -> None:
    assert asyncio.run(Unbound().fetch(ObjectToFetch("", ("tool_call", "call_1"), lambda: None))) is None
