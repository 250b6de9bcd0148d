"""What a call of the control API gets while the store is away, by what it changes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from mockllm.server.control.problem import Problem
from mockllm.store.group_store import GroupStore
from tests.server.workers.test_supervisor import Group
from tests.waiting import PATIENCE


class AwayStore:
    """Does nothing, and does not know which sessions live."""

    wait = 0.01
    link = SimpleNamespace(problem="connection refused")

    async def end(self, session: str) -> None:
        await asyncio.Event().wait()

    use_rules = reset_limits = forget = end

    async def has_session(self, session: str) -> bool | None:
        return None


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> Group:
    group = Group(monkeypatch)
    group.state.store = cast(GroupStore, AwayStore())
    return group


def concluded(group: Group, *, ends_session: bool, resets: bool = False, adds_rule: bool = False) -> int:
    """Let one call end a session, and then another call end. Return the status of the second."""

    async def act() -> int:
        await group.serve()
        if ends_session:
            group.state.end("one")
        before = group.state.count_changes
        if resets:
            group.state.reset_limits()
        if adds_rule:
            group.state.retain(group.state.keys | {"new"})
        try:
            await group.supervisor.conclude(before)
        except Problem as problem:
            return problem.status
        return 200

    return asyncio.run(asyncio.wait_for(act(), PATIENCE))


def test_call_that_changes_counts_is_a_503(group: Group) -> None:
    assert concluded(group, ends_session=False, resets=True) == 503


def test_call_that_changes_no_counts_does_not_wait_for_others(group: Group) -> None:
    assert concluded(group, ends_session=True) == 200


def test_call_that_adds_a_rule_does_not_wait(group: Group) -> None:
    assert concluded(group, ends_session=True, adds_rule=True) == 200


def test_call_that_removes_a_rule_is_a_503(group: Group) -> None:
    group.state.keys = frozenset({"old"})

    async def act() -> None:
        before = group.state.count_changes
        group.state.retain(frozenset())
        with pytest.raises(Problem, match="is away"):
            await group.supervisor.conclude(before)

    asyncio.run(asyncio.wait_for(act(), PATIENCE))
