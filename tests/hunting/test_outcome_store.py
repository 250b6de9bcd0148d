"""The file of a hunt's runs: what an interrupted hunt has run is not run again."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.hunting.outcome_store import OutcomeStore
from tests.core.hunting.runs import CRLF, CUT
from tests.hunting.scripted_trial import ScriptedTrial


def trial() -> ScriptedTrial:
    return ScriptedTrial(lambda schedule, number: False)


def test_store_resumes_stored_runs(tmp_path: Path) -> None:
    path = tmp_path / "hunt" / "runs"
    store = OutcomeStore(trial(), path, "a", resume=False)
    outcome = store.run((CRLF,))
    store.run((CUT,), 1)
    store.close(complete=False)
    again = trial()
    store = OutcomeStore(again, path, "a", resume=True)
    assert store.run((CRLF,)) == outcome
    assert again.runs == []
    store.run((CUT,))
    assert again.runs == [(CUT,)]
    store.close(complete=True)
    assert not path.exists()


@pytest.mark.parametrize(("purpose", "resume"), [("b", True), ("a", False)])
def test_store_of_another_hunt_is_begun_anew(tmp_path: Path, purpose: str, resume: bool) -> None:
    path = tmp_path / "runs"
    store = OutcomeStore(trial(), path, "a", resume=False)
    store.run((CRLF,))
    store.close(complete=False)
    again = trial()
    store = OutcomeStore(again, path, purpose, resume=resume)
    store.run((CRLF,))
    store.close(complete=True)
    assert again.runs == [(CRLF,)]


@pytest.mark.parametrize("content", [None, b"", b"no json\n", b'"a"'])
def test_store_of_broken_file_is_begun_anew(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "runs"
    if content is not None:
        path.write_bytes(content)
    again = trial()
    store = OutcomeStore(again, path, "a", resume=True)
    store.run((CRLF,))
    store.close(complete=False)
    assert again.runs == [(CRLF,)]
    store = OutcomeStore(trial(), path, "a", resume=True)
    store.close(complete=True)
    assert store.known == 1


def test_store_ignores_a_line_that_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "runs"
    store = OutcomeStore(trial(), path, "a", resume=False)
    for schedule in ((CRLF,), (CUT,)):
        store.run(schedule)
    store.close(complete=False)
    path.write_bytes(path.read_bytes()[:-20])
    again = trial()
    store = OutcomeStore(again, path, "a", resume=True)
    for schedule in ((CRLF,), (CUT,)):
        store.run(schedule)
    store.close(complete=True)
    assert again.runs == [(CUT,)]


@pytest.mark.parametrize("cut", [20, 1])
def test_store_goes_on_behind_a_line_that_was_cut(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "runs"
    store = OutcomeStore(trial(), path, "a", resume=False)
    store.run((CRLF,))
    store.run((CUT,))
    store.close(complete=False)
    path.write_bytes(path.read_bytes()[:-cut])
    store = OutcomeStore(trial(), path, "a", resume=True)
    store.run((CUT,))
    store.run((CUT,), 1)
    store.close(complete=False)
    again = OutcomeStore(trial(), path, "a", resume=True)
    again.close(complete=True)
    assert again.known == 3


def test_store_without_a_file_runs_each_time() -> None:
    one = trial()
    store = OutcomeStore(one, None, "a", resume=True)
    assert store.parallel
    for _ in range(2):
        store.run((CRLF,))
    store.close(complete=True)
    assert len(one.runs) == 2


def test_outcome_of_an_ended_run_is_not_stored(tmp_path: Path) -> None:
    path = tmp_path / "runs"
    store = OutcomeStore(trial(), path, "a", resume=False)
    store.run((CRLF,))
    store.end()
    store.run((CUT,))
    store.close(complete=False)
    again = OutcomeStore(trial(), path, "a", resume=True)
    again.close(complete=True)
    assert again.known == 1
