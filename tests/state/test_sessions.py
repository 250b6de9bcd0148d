"""Sessions: what each has of its own, when one ends, and that all of it goes then."""

from __future__ import annotations

from msgspec.structs import replace

from mockllm.core.request.stored_responses import StoredResponse, StoreUpdate
from mockllm.core.selection.decision import Candidate, Guard, MatchResult
from mockllm.state.sessions import Sessions

RULE = Candidate(0, "a#1", "a", "", Guard(times=1))


def claim(session: str) -> MatchResult:
    return MatchResult(session, 0, [RULE], (), lambda validation: False)


def outcomes(sessions: Sessions, *ids: str) -> list[str]:
    return [sessions.decide(claim(id)).outcome for id in ids]


def test_each_session_counts_for_itself_and_the_shared_one_too() -> None:
    sessions = Sessions()
    assert outcomes(sessions, "a", "b", "", "a", "b", "") == ["rule"] * 3 + ["miss"] * 3


def test_a_peek_counts_nothing() -> None:
    sessions = Sessions()
    assert [sessions.preview(claim("a")).outcome for _ in range(2)] == ["rule", "rule"]


def test_tallies_are_by_session() -> None:
    sessions = Sessions()
    assert [sessions.tally(id, ("k",)) for id in ("a", "b", "a", "", "")] == [0, 0, 1, 0, 1]
    assert sessions.shared.tally("", ("k",)) == 2


def test_counts_of_rules_that_are_gone_are_forgotten_in_every_session() -> None:
    sessions = Sessions()
    outcomes(sessions, "a", "")
    sessions.keep(frozenset())
    assert outcomes(sessions, "a", "") == ["rule", "rule"]


def test_a_session_that_nobody_uses_ends_and_begins_anew() -> None:
    said: list[str] = []
    sessions = Sessions(unused=10.0, log=said.append)
    for id in ("a", "b"):
        sessions.session(id, 100.0).seed = 7
        outcomes(sessions, id)
        sessions.remember(id, StoreUpdate(("r",), StoredResponse("r", None, b"", b""), {"call": "tool"}))
    assert sessions.session("b", 105.0).seed == 7
    fresh = sessions.session("a", 110.0)
    assert (fresh.seed, fresh.recall.stored("r"), fresh.recall.call("call")) == (None, None, None)
    assert outcomes(sessions, "a", "b") == ["rule", "miss"]
    kept = sessions.session("b", 111.0)
    assert (kept.seed, kept.recall.call("call")) == (7, "tool")
    assert said == ["session a ended: not used for 10 s; it begins anew when it is named again"]


def test_the_one_that_was_not_used_for_the_longest_time_makes_room() -> None:
    said: list[str] = []
    sessions = Sessions(max_sessions=2, log=said.append)
    for now, id in enumerate("abac"):
        sessions.session(id, float(now))
        outcomes(sessions, id)
    assert len(sessions) == 2
    assert outcomes(sessions, "a", "c") == ["miss", "miss"]
    assert outcomes(sessions, "b") == ["rule"]
    assert said[0] == "session b ended: there are more than 2; it begins anew when it is named again"


def test_many_that_end_together_are_one_line() -> None:
    said: list[str] = []
    sessions = Sessions(unused=10.0, log=said.append)
    for id in "abcde":
        sessions.session(id, 0.0)
    sessions.session("f", 20.0)
    assert said == [
        "sessions a, b, c and 2 more ended: not used for 10 s; they begin anew when they are named again"
    ]


def test_nobody_need_listen() -> None:
    sessions = Sessions(max_sessions=1)
    sessions.session("a", 0.0)
    sessions.session("b", 0.0)
    assert len(sessions) == 1


def test_a_clock_that_is_put_back_ends_nothing() -> None:
    sessions = Sessions(unused=10.0)
    outcomes(sessions, "a")
    sessions.session("a", 1000.0)
    outcomes(sessions, "a")
    sessions.session("a", 5.0)
    assert outcomes(sessions, "a") == ["miss"]


def test_a_session_keeps_so_many_scopes_at_most() -> None:
    sessions = Sessions()
    for number in range(3000):
        sessions.decide(replace(claim("a"), rules=[replace(RULE, scope=str(number))]))
    assert sessions.decide(replace(claim("a"), rules=[replace(RULE, scope="2999")])).outcome == "miss"
    assert sessions.decide(replace(claim("a"), rules=[replace(RULE, scope="0")])).outcome == "rule"


def test_totals_are_of_all_sessions_together() -> None:
    sessions = Sessions()
    outcomes(sessions, "a", "b", "b", "")
    sessions.tally("a", ("k",))
    assert {key: list(counts) for key, counts in sessions.totals().items()} == {"a#1": [4, 4], "k": [1, 1]}


def test_a_reset_forgets_all_sessions_and_the_shared_one() -> None:
    sessions = Sessions()
    outcomes(sessions, "a", "")
    sessions.remember("", StoreUpdate(calls={"c": "tool"}))
    shared = sessions.shared
    sessions.reset()
    assert (len(sessions), sessions.totals()) == (0, {})
    assert sessions.recall("").call("c") is None
    assert sessions.shared is shared
    assert outcomes(sessions, "a", "") == ["rule", "rule"]


def test_those_that_are_kept_are_told_the_longest_unused_first() -> None:
    sessions = Sessions()
    sessions.session("a", 1.0)
    sessions.session("b", 2.0)
    sessions.session("a", 3.0)
    assert {id: each.used for id, each in sessions.held().items()} == {"b": 2.0, "a": 3.0}
    assert list(sessions.held()) == ["b", "a"]


def test_one_is_ended_and_forgotten() -> None:
    sessions = Sessions()
    assert outcomes(sessions, "a", "b", "a") == ["rule", "rule", "miss"]
    sessions.remember("a", StoreUpdate(calls={"c": "tool"}))
    assert (sessions.end("a"), sessions.end("a")) == (True, False)
    assert outcomes(sessions, "a", "b") == ["rule", "miss"]
    assert sessions.recall("a").call("c") is None


def test_whoever_wants_hears_of_the_end_of_each() -> None:
    sessions = Sessions(max_sessions=2, unused=10.0)
    heard: list[list[str]] = []
    sessions.ended.append(lambda ids: heard.append(list(ids)))
    sessions.session("too old", 0.0)
    sessions.session("ended", 5.0)
    sessions.expire(11.0)
    sessions.end("ended")
    sessions.session("too many", 12.0)
    sessions.session("a", 12.0)
    sessions.session("b", 12.0)
    sessions.reset()
    sessions.reset()
    assert heard == [["too old"], ["ended"], ["too many"], ["a", "b"]]
