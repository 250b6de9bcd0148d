"""The hunt: what it finds, shrinks and replays, and when it ends."""

from __future__ import annotations

from threading import Event

import pytest
from msgspec.structs import replace

from mockllm.core.hunting.disturbance import Schedule
from mockllm.core.hunting.finding import Finding
from mockllm.core.hunting.judgement import BrokenRule
from mockllm.core.hunting.outcome import RunOutcome
from mockllm.hunting.hunter import HuntBudget, NoBaseline, SilentWatch, check_baseline
from tests.core.hunting.runs import BASE, CRLF, requested
from tests.hunting.scripted_trial import ScriptedTrial, hunted
from tests.waiting import PATIENCE


def breaks_on(*kinds: str) -> ScriptedTrial:
    return ScriptedTrial(lambda schedule, number: set(kinds) <= {each.kind for each in schedule})


class Watch:
    def __init__(self) -> None:
        self.runs = 0
        self.findings: list[Finding] = []
        self.doing: list[str] = []

    def ran(self, runs: int, findings: int, doing: str) -> None:
        self.doing.append(doing)
        self.runs = max(self.runs, runs)

    def found(self, finding: Finding) -> None:
        self.findings.append(finding)

    def interrupted(self, running: int) -> None: ...


def test_silent_watch_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    watch = SilentWatch()
    watch.ran(1, 0, "x")
    watch.found(Finding(BrokenRule("same_result", "x"), (CRLF,), (CRLF,), BASE, 20, 20))
    watch.interrupted(1)
    assert capsys.readouterr() == ("", "")


def test_hunt_of_good_client_finds_nothing() -> None:
    report = hunted(breaks_on("nothing"))
    assert report.passed
    assert report.flaky == []
    assert report.runs == 200
    assert report.ended == "200 runs"
    assert set(report.tried["crlf"].counts) == {"held", "recovered"}


@pytest.mark.parametrize("jobs", [1, 3])
def test_hunt_shrinks_and_replays_a_finding(jobs: int) -> None:
    watch = Watch()
    report = hunted(breaks_on("comments"), HuntBudget(runs=60, jobs=jobs), watch)
    (finding,) = report.findings
    assert [each.kind for each in finding.schedule] == ["comments"]
    assert finding.schedule[0].times == 1
    assert len(finding.schedule[0].fault_names) == 1
    assert finding.rate == "20 of 20"
    assert report.replays == 20
    assert watch.findings == [finding]
    assert watch.runs == report.runs
    assert "replay 20/20 comments, request 1" in watch.doing


def test_hunt_finds_a_pair() -> None:
    report = hunted(breaks_on("crlf", "comments"), HuntBudget(runs=1000, jobs=1))
    assert report.findings == []  # both are of one family
    report = hunted(breaks_on("crlf", "small_writes"), HuntBudget(runs=1000, jobs=1))
    (finding,) = report.findings
    assert {each.kind for each in finding.schedule} == {"crlf", "small_writes"}


def test_hunt_joins_findings_of_one_cause() -> None:
    trial = ScriptedTrial(
        lambda schedule, number: any(each.kind in ("crlf", "comments") for each in schedule)
    )
    (finding,) = hunted(trial, HuntBudget(runs=100, jobs=1)).findings
    assert {*finding.also, *(each.kind for each in finding.schedule)} == {"crlf", "comments"}


def test_hunt_marks_a_flaky_finding() -> None:
    trial = ScriptedTrial(
        lambda schedule, number: any(each.kind == "crlf" for each in schedule) and number % 2 == 0
    )
    report = hunted(trial, HuntBudget(runs=100, jobs=1))
    assert report.findings == []
    assert all(0 < finding.failures < 20 for finding in report.flaky)


def test_steady_finding_replaces_the_flaky_one_of_its_cause() -> None:
    def fails(schedule: Schedule, number: int) -> bool:
        kinds = {each.kind for each in schedule}
        return "split_event" in kinds or ("split_character" in kinds and number % 2 == 1)

    report = hunted(ScriptedTrial(fails), HuntBudget(runs=100, jobs=1))
    (finding,) = report.findings
    assert [each.kind for each in finding.schedule] == ["split_event"]
    assert (finding.rate, finding.also, report.flaky) == ("20 of 20", ("split_character",), [])


def test_flaky_cause_is_examined_three_times_at_most() -> None:
    trial = ScriptedTrial(lambda schedule, number: bool(schedule) and number % 2 == 0)
    report = hunted(trial, HuntBudget(runs=150, jobs=1))
    assert 20 * len(report.flaky) < report.replays <= 60 * len(report.flaky)


def test_hunt_ends_after_enough_findings() -> None:
    trial = ScriptedTrial(lambda schedule, number: bool(schedule))
    report = hunted(trial, HuntBudget(jobs=2, findings=2))
    assert len(report.findings) == 2
    assert report.ended == "2 findings"
    assert report.unexamined
    assert not set(report.unexamined) & {kind for each in report.findings for kind in each.kinds}


def test_hunt_ends_at_its_time() -> None:
    report = hunted(breaks_on("nothing"), HuntBudget(seconds=0.0, jobs=1))
    assert (report.runs, report.ended) == (2, "0 s")
    assert not report.passed
    assert report.untried is not None
    assert report.untried.startswith("no disturbance was tried: the runs without disturbances took ")


def test_hunt_without_budget_left_does_not_shrink() -> None:
    report = hunted(breaks_on("split_character"), HuntBudget(runs=3, jobs=1))
    assert report.findings[0].schedule == report.findings[0].found


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("runs", range(12, 24))
def test_hunt_never_exceeds_its_runs(runs: int, jobs: int) -> None:
    trial = breaks_on("comments")
    report = hunted(trial, HuntBudget(runs=runs, jobs=jobs, replays=0))
    assert report.runs == len(trial.runs) <= runs


def test_hunt_interrupted_reports_what_it_has() -> None:
    def fails(schedule: Schedule, number: int) -> bool:
        if number == 30:
            raise KeyboardInterrupt
        return False

    report = hunted(ScriptedTrial(fails, parallel=False))
    assert report.ended == "interrupted"
    assert report.runs > 20


class HeldTrial(ScriptedTrial):
    """Runs with other disturbances than `first` end only when `released` is set: by `end`, or by the test."""

    def __init__(self, first: Schedule) -> None:
        super().__init__(self._held)
        self._first = first
        self.begun, self.released, self.ended = Event(), Event(), Event()

    def _held(self, schedule: Schedule, number: int) -> bool:
        if schedule not in ((), self._first):
            self.begun.set()
            assert self.released.wait(PATIENCE)
        return False

    def end(self) -> None:
        self.ended.set()
        self.released.set()


class InterruptingWatch(Watch):
    """Presses Ctrl-C while the fourth run takes place, and with `twice` again at the notice of it."""

    def __init__(self, trial: HeldTrial, *, twice: bool) -> None:
        super().__init__()
        self._trial, self._twice = trial, twice
        self.waited_for: list[int] = []

    def ran(self, runs: int, findings: int, doing: str) -> None:
        super().ran(runs, findings, doing)
        if runs == 3:
            assert self._trial.begun.wait(PATIENCE)
            raise KeyboardInterrupt

    def interrupted(self, running: int) -> None:
        self.waited_for.append(running)
        if self._twice:
            raise KeyboardInterrupt
        self._trial.released.set()


@pytest.mark.parametrize("twice", [False, True])
def test_interrupted_hunt_says_what_it_waits_for(twice: bool) -> None:
    learned = breaks_on("nothing")
    hunted(learned, HuntBudget(runs=3, jobs=1))
    trial = HeldTrial(learned.runs[2])
    watch = InterruptingWatch(trial, twice=twice)
    report = hunted(trial, HuntBudget(runs=4, jobs=2), watch)
    assert report.ended == "interrupted"
    assert watch.waited_for == [1]
    assert trial.ended.is_set() is twice


def test_hunt_tries_everything_with_a_large_budget() -> None:
    assert hunted(breaks_on("nothing"), HuntBudget(runs=100_000, jobs=4)).ended == "tried everything"


@pytest.mark.parametrize(
    ("first", "other", "message"),
    [
        (replace(BASE, code=None), BASE, "does not end within 0.1 s"),
        (replace(BASE, code=1, stderr="no key"), BASE, "fails with exit code 1: no key"),
        (RunOutcome(1, 0.1), BASE, "fails with exit code 1: it wrote nothing"),
        (replace(BASE, exchanges=()), BASE, "sent no request to the server"),
        (BASE, replace(BASE, compared=b"x"), "their output cannot be compared"),
        (replace(BASE, repeated=("pay",)), BASE, "a side effect comes more than once: pay"),
        (replace(BASE, missing=("out.txt",)), BASE, "does not write out.txt: a file to check"),
    ],
)
def test_baseline_that_fails_is_refused(first: RunOutcome, other: RunOutcome, message: str) -> None:
    with pytest.raises(NoBaseline, match=message):
        check_baseline(first, [other])


def test_unplayed_row_has_the_reason_of_the_server() -> None:
    class Noted(ScriptedTrial):
        def run(self, schedule: Schedule) -> RunOutcome:
            outcome = super().run(schedule)
            if not any(each.kind == "crlf" for each in schedule):
                return outcome
            return replace(outcome, exchanges=(requested(None, notes=("crlf not applied: no stream",)),))

    report = hunted(Noted(lambda schedule, number: False))
    assert report.tried["crlf"].reason == "crlf not applied: no stream"


def test_first_schedule_that_fails_is_the_finding() -> None:
    """The earlier of two failing schedules ends after the later: the seed, not the speed, says what is found."""
    others_ran = Event()

    def fails(schedule: Schedule, number: int) -> bool:
        if number == 14:  # schedules 10 and 11 wait, so that the third job has come past the first with crlf
            others_ran.set()
        kinds = {each.kind for each in schedule}
        if "other_chunks" in kinds:
            assert others_ran.wait(60)
        return bool(kinds & {"other_chunks", "crlf"})

    report = hunted(ScriptedTrial(fails), HuntBudget(runs=60, jobs=3, findings=1))
    assert [each.kind for each in report.findings[0].schedule] == ["other_chunks"]
