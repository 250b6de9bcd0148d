"""Sessions: separate state, their ends, and the deletion of their state."""

from __future__ import annotations

from msgspec.structs import replace

from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.core.selection.decision import Candidate, DecisionInputs
from mockllm.core.selection.guards import Guard
from mockllm.state.engine_state import EngineState

RULE = Candidate(0, "a#1", "a", "", Guard(times=1))


def inputs(session: str) -> DecisionInputs:
    return DecisionInputs(session, 0, [RULE], (), lambda validation: False)


def outcomes(sessions: EngineState, *ids: str) -> list[str]:
    return [sessions.decide(inputs(id)).outcome for id in ids]


def test_each_session_has_separate_counts() -> None:
    sessions = EngineState()
    assert outcomes(sessions, "a", "b", "", "a", "b", "") == ["rule"] * 3 + ["no_rule"] * 3


def test_preview_counts_nothing() -> None:
    sessions = EngineState()
    assert [sessions.decide(inputs("a"), count=False).outcome for _ in range(2)] == ["rule", "rule"]


def test_count_request_counts_by_session() -> None:
    sessions = EngineState()
    assert [sessions.count_in_global_scope(id, ("k",)) for id in ("a", "b", "a", "", "")] == [0, 0, 1, 0, 1]
    assert sessions.counters_without_session.count_in_global_scope(("k",)) == 2


def test_keep_deletes_counts_in_every_session() -> None:
    sessions = EngineState()
    outcomes(sessions, "a", "")
    sessions.retain(frozenset())
    assert outcomes(sessions, "a", "") == ["rule", "rule"]


def test_unused_session_ends_and_starts_fresh() -> None:
    message: list[str] = []
    sessions = EngineState(unused_timeout=10.0, log=message.append)
    for id in ("a", "b"):
        sessions.use_session(id, 100.0).seed = 7
        outcomes(sessions, id)
        sessions.apply_storage_update(
            id, StorageUpdate(("r",), StoredObject("r", None, b"", b""), {"call": "tool"})
        )
    assert sessions.use_session("b", 105.0).seed == 7
    fresh = sessions.use_session("a", 110.0)
    assert (fresh.seed, fresh.lookup.stored("r"), fresh.lookup.tool_by_call_id("call")) == (None, None, None)
    assert outcomes(sessions, "a", "b") == ["rule", "no_rule"]
    kept = sessions.use_session("b", 111.0)
    assert (kept.seed, kept.lookup.tool_by_call_id("call")) == (7, "tool")
    assert message == ["session a ended: not used for 10 s; it begins anew when it is named again"]


def test_line_on_an_ended_session_has_its_shown_id() -> None:
    """A client may use its key as the id, in whatever form."""
    message: list[str] = []
    sessions = EngineState(unused_timeout=10.0, log=message.append)
    sessions.use_session("opaque7key", 0.0).redacted_id = "REDACTED-1a2b"
    sessions.use_session("sk-proj-abcdefgh12345678", 0.0)
    assert sessions.redacted_id("opaque7key") == "REDACTED-1a2b"
    assert sessions.redacted_id("unknown") == "unknown"
    sessions.expire(20.0)
    assert "sessions REDACTED-1a2b, REDACTED-" in message[0]
    assert "opaque7key" not in message[0]
    assert "sk-proj" not in message[0]


def test_least_recently_used_session_is_removed() -> None:
    message: list[str] = []
    sessions = EngineState(max_sessions=2, log=message.append)
    for now, id in enumerate("abac"):
        sessions.use_session(id, float(now))
        outcomes(sessions, id)
    assert len(sessions) == 2
    assert outcomes(sessions, "a", "c") == ["no_rule", "no_rule"]
    assert outcomes(sessions, "b") == ["rule"]
    assert message[0] == "session b ended: there are more than 2; it begins anew when it is named again"


def test_sessions_that_end_together_are_one_log_line() -> None:
    message: list[str] = []
    sessions = EngineState(unused_timeout=10.0, log=message.append)
    for id in "abcde":
        sessions.use_session(id, 0.0)
    sessions.use_session("f", 20.0)
    assert message == [
        "sessions a, b, c and 2 more ended: not used for 10 s; they begin anew when they are named again"
    ]


def test_sessions_without_log_end_silently() -> None:
    sessions = EngineState(max_sessions=1)
    sessions.use_session("a", 0.0)
    sessions.use_session("b", 0.0)
    assert len(sessions) == 1


def test_clock_set_back_ends_no_session() -> None:
    sessions = EngineState(unused_timeout=10.0)
    outcomes(sessions, "a")
    sessions.use_session("a", 1000.0)
    outcomes(sessions, "a")
    sessions.use_session("a", 5.0)
    assert outcomes(sessions, "a") == ["no_rule"]


def test_preview_creates_no_session() -> None:
    sessions = EngineState(unused_timeout=10.0)
    assert sessions.decide(inputs("a"), count=False).outcome == "rule"
    assert (len(sessions), sessions.session("a", 0.0)) == (0, None)
    outcomes(sessions, "a")
    found = sessions.use_session("a", 5.0)
    assert sessions.session("a", 7.0) is found
    assert found.last_used == 5.0
    assert sessions.session("a", 15.0) is None


def test_preview_uses_no_session_and_none_of_its_scopes() -> None:
    sessions = EngineState(max_sessions=2)
    for now, id in enumerate("ab"):
        sessions.use_session(id, float(now))
        outcomes(sessions, id)
    for number in range(3000):
        scoped = [replace(RULE, scope=str(number))]
        sessions.decide(replace(inputs("a"), rules=scoped), count=False)
        sessions.decide(replace(inputs(str(number)), rules=scoped), count=False)
    assert list(sessions.sessions()) == ["a", "b"]
    assert sessions.sessions()["a"].last_used_monotonic == 0.0
    assert outcomes(sessions, "a", "b") == ["no_rule", "no_rule"]
    assert list(sessions.totals()) == ["a#1"]


def test_session_begun_by_decision_lasts_as_if_it_was_used() -> None:
    lines: list[str] = []
    sessions = EngineState(unused_timeout=100.0, log=lines.append)
    sessions.use_session("a", 1000.0, 1_700_000_000.0)
    sessions.end("a")
    outcomes(sessions, "a")
    sessions.use_session("b", 1001.0, 1_700_000_001.0)
    assert lines == []
    assert sessions.sessions()["a"].last_used == 1_700_000_000.0
    assert outcomes(sessions, "a") == ["no_rule"]
    sessions.use_session("b", 1100.0)
    assert list(sessions.sessions()) == ["b"]


def test_session_has_limited_scopes() -> None:
    sessions = EngineState()
    for number in range(3000):
        sessions.decide(replace(inputs("a"), rules=[replace(RULE, scope=str(number))]))
    assert sessions.decide(replace(inputs("a"), rules=[replace(RULE, scope="2999")])).outcome == "no_rule"
    assert sessions.decide(replace(inputs("a"), rules=[replace(RULE, scope="0")])).outcome == "rule"


def test_totals_sum_all_sessions() -> None:
    sessions = EngineState()
    outcomes(sessions, "a", "b", "b", "")
    sessions.count_in_global_scope("a", ("k",))
    assert {key: list(counts) for key, counts in sessions.totals().items()} == {"a#1": [4, 4], "k": [1, 1]}


def test_reset_deletes_all_sessions() -> None:
    sessions = EngineState()
    outcomes(sessions, "a", "")
    sessions.apply_storage_update("", StorageUpdate(tool_calls={"c": "tool"}))
    counters = sessions.counters_without_session
    sessions.reset()
    assert (len(sessions), sessions.totals()) == (0, {})
    assert sessions.lookup("").tool_by_call_id("c") is None
    assert sessions.counters_without_session is counters
    assert outcomes(sessions, "a", "") == ["rule", "rule"]


def test_held_lists_least_recently_used_first() -> None:
    sessions = EngineState()
    sessions.use_session("a", 1.0)
    sessions.use_session("b", 2.0)
    sessions.use_session("a", 3.0)
    assert {id: each.last_used_monotonic for id, each in sessions.sessions().items()} == {"b": 2.0, "a": 3.0}
    assert sessions.use_session("a", 4.0, 1_700_000_000.0).last_used == 1_700_000_000.0
    assert list(sessions.sessions()) == ["b", "a"]


def test_end_deletes_session() -> None:
    sessions = EngineState()
    assert outcomes(sessions, "a", "b", "a") == ["rule", "rule", "no_rule"]
    sessions.apply_storage_update("a", StorageUpdate(tool_calls={"c": "tool"}))
    assert (sessions.end("a"), sessions.end("a")) == (True, False)
    assert outcomes(sessions, "a", "b") == ["rule", "no_rule"]
    assert sessions.lookup("a").tool_by_call_id("c") is None


def test_ended_callbacks_get_ids_of_sessions() -> None:
    sessions = EngineState(max_sessions=2, unused_timeout=10.0)
    response: list[list[str]] = []
    sessions.on_end.append(lambda ids: response.append(list(ids)))
    sessions.use_session("too old", 0.0)
    sessions.use_session("ended", 5.0)
    sessions.expire(11.0)
    sessions.end("ended")
    sessions.use_session("too many", 12.0)
    sessions.use_session("a", 12.0)
    sessions.use_session("b", 12.0)
    sessions.reset()
    sessions.reset()
    assert response == [["too old"], ["ended"], ["too many"], ["a", "b"]]


def test_a_session_that_is_a_key_ends_without_its_id_in_the_log() -> None:
    lines: list[str] = []
    sessions, key = EngineState(unused_timeout=10.0, log=lines.append), "sk-" + "aB3" * 8
    sessions.use_session(key, 0.0)
    sessions.expire(11.0)
    assert lines[0].startswith("session REDACTED-")
    assert key not in lines[0]
