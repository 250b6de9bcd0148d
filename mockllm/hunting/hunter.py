"""The hunt: runs what the search chooses, several at once, and shrinks and replays what fails."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, ParamSpec, Protocol, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.display import counted
from mockllm.core.hunting.disturbance import Schedule, schedule_text
from mockllm.core.hunting.finding import TRIED_ALL, Finding, HuntReport, TriedRow, cause
from mockllm.core.hunting.judgement import BrokenRule, Judgement, Policy, judge
from mockllm.core.hunting.outcome import RunOutcome
from mockllm.core.hunting.search import HuntSearch
from mockllm.core.hunting.shrinking import shrink
from mockllm.hunting.outcome_store import OutcomeStore

P = ParamSpec("P")
T = TypeVar("T")

REPLAYS: Final = 20
"""How often a finding is run again."""
EXAMINED: Final = 3
"""The most schedules of one cause that are shrunk and replayed, until one fails each time."""
BASELINES: Final = 2
"""The runs without disturbances, which must agree."""
MIN_RUNS: Final = BASELINES + 1
"""The least budget: with fewer runs nothing is tried."""


class HuntBudget(Struct, frozen=True):
    """The bounds of a hunt: `runs` with those of shrinking, `seconds` in all, `jobs` runs at once. `replays` of each
    finding are not counted as runs. After so many `findings` the hunt ends; None for no bound."""

    runs: int = 200
    seconds: float = 600.0
    jobs: int = 2
    replays: int = REPLAYS
    seed: int = 0
    findings: int | None = None


class NoBaseline(Exception):
    """The client does not pass without disturbances, or not in the same way twice; the message says how."""


class HuntWatch(Protocol):
    """Receives the progress of a hunt."""

    def ran(self, runs: int, findings: int, doing: str) -> None:
        """Show that a run has ended."""

    def found(self, finding: Finding) -> None:
        """Show a finding that was shrunk and replayed."""

    def interrupted(self, running: int) -> None:
        """Show that the hunt ends after this number of runs, which take place now."""


class SilentWatch:
    """Shows nothing."""

    def ran(self, runs: int, findings: int, doing: str) -> None: ...

    def found(self, finding: Finding) -> None: ...

    def interrupted(self, running: int) -> None: ...


class InlineExecutor(Executor):
    """Runs each call at once, in the caller's thread."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class HuntProgress(Struct):
    """The results of a hunt."""

    baseline: RunOutcome
    findings: dict[str, Finding] = field(default_factory=dict)
    flaky: dict[str, Finding] = field(default_factory=dict)
    examined: Counter[str] = field(default_factory=Counter)
    """The schedules that were shrunk and replayed, by cause."""
    tried: dict[str, TriedRow] = field(default_factory=dict)
    unexamined: dict[str, None] = field(default_factory=dict)
    """The rows that failed when enough was found already."""

    def joined(self, schedule: Schedule, problem: BrokenRule) -> bool:
        """Join a schedule that failed to what is known of its cause. Return whether nothing is left to examine.

        A flaky cause is examined again: one replay on a busy machine may differ, and the next schedule need not.
        """
        key = cause(schedule, problem)
        known = self.findings if key in self.findings else self.flaky
        if key not in known:
            return False
        known[key] = with_kinds(known[key], (*known[key].also, *(each.kind for each in schedule)))
        return known is self.findings or self.examined[key] >= EXAMINED

    def add(self, finding: Finding) -> bool:
        """Add a finding that was shrunk and replayed. A steady one replaces a flaky one of its cause, and a flaky one
        replaces none. Return whether it was added."""
        key = cause(finding.schedule, finding.problem)
        self.examined[key] += 1
        flaky = self.flaky.get(key)
        if flaky is None:
            (self.flaky if finding.flaky else self.findings)[key] = finding
            return True
        kinds = (*flaky.also, *(each.kind for each in (*flaky.schedule, *finding.schedule)))
        if finding.flaky:
            self.flaky[key] = with_kinds(flaky, kinds)
            return False
        del self.flaky[key]
        self.findings[key] = with_kinds(finding, kinds)
        return True


class Hunter:
    """Hunts with one trial. `clock` returns seconds."""

    def __init__(
        self,
        store: OutcomeStore,
        policy: Policy,
        budget: HuntBudget,
        watch: HuntWatch | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._policy = policy
        self._budget = budget
        self._watch = watch or SilentWatch()
        self._clock = clock
        self._began = clock()
        self._runs = 0
        self._replays = 0
        jobs = budget.jobs if store.parallel else 1
        self._ahead = jobs if jobs == 1 else 2 * jobs
        """Runs that are begun before the first of them is judged: none of the jobs waits for a slow one."""
        self._begun: set[Future[RunOutcome]] = set()
        """The runs of the pool that have not ended."""
        self._pool: Executor = (
            InlineExecutor() if store.inline else ThreadPoolExecutor(jobs, thread_name_prefix="hunt")
        )

    def hunt(self, command: str) -> HuntReport:
        """Hunt until the search or the budget is at its end. Raise NoBaseline. After Ctrl-C the report has what was
        found so far. A second one ends the runs that take place."""
        with self._runs_contained():
            progress = HuntProgress(self._learn())
            search = HuntSearch(progress.baseline, self._policy, self._budget.seed)
            ended = "interrupted"
            try:
                ended = self._search(search, progress)
            except KeyboardInterrupt:
                self._end_runs()
        return HuntReport(
            command,
            progress.baseline,
            list(progress.findings.values()),
            list(progress.flaky.values()),
            progress.tried,
            self._runs,
            self._replays,
            self._clock() - self._began,
            self._budget.seed,
            ended,
            list(progress.unexamined),
        )

    @contextmanager
    def _runs_contained(self) -> Iterator[None]:
        """Contain the runs of the pool. SystemExit, as of a signal, ends them."""
        with self._pool:
            try:
                yield
            except SystemExit:
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._store.end()
                raise

    def _begin(self, schedule: Schedule, number: int = 0) -> Future[RunOutcome]:
        """Begin a run in the pool."""
        future = self._pool.submit(self._store.run, schedule, number)
        self._begun.add(future)
        future.add_done_callback(self._begun.discard)
        return future

    def _end_runs(self) -> None:
        """Wait for the runs that take place, and begin no other. Ctrl-C ends them meanwhile."""
        try:
            self._pool.shutdown(wait=False, cancel_futures=True)
            running = sum(each.running() for each in list(self._begun))
            if running:
                self._watch.interrupted(running)
            self._pool.shutdown()
        except KeyboardInterrupt:
            self._store.end()

    def _learn(self) -> RunOutcome:
        """Run the client without disturbances, and return the outcome."""
        outcomes = []
        for number in range(BASELINES):
            outcomes.append(self._store.run((), number))
            self._count("learn what the command does")
        first, *others = outcomes
        check_baseline(first, others)
        return first

    def _search(self, search: HuntSearch, progress: HuntProgress) -> str:
        """Run the search. Return why it ended.

        Outcomes are judged in the order of their schedules, whichever ends first: one seed finds the same.
        """
        running: dict[Future[RunOutcome], Schedule] = {}
        while True:
            ended = self._over() or self._satisfied(progress)
            while (
                ended is None
                and self._over(len(running)) is None
                and len(running) < self._ahead
                and (taken := search.take())
            ):
                running[self._begin(taken[1])] = taken[1]
            if not running:
                return ended or TRIED_ALL
            future = next(iter(running))
            schedule, outcome = running.pop(future), future.result()
            self._count(schedule_text(schedule), len(progress.findings))
            judgement = judge(schedule, outcome, progress.baseline, self._policy)
            note(progress, schedule, judgement, outcome)
            search.record(schedule, judgement, outcome)
            if judgement.problem is None:
                continue
            if self._satisfied(progress) is None:
                self._examine(schedule, judgement.problem, outcome, progress, len(running))
            elif not progress.joined(schedule, judgement.problem):
                progress.unexamined |= dict.fromkeys(each.kind for each in schedule)

    def _examine(
        self,
        schedule: Schedule,
        problem: BrokenRule,
        outcome: RunOutcome,
        progress: HuntProgress,
        running: int,
    ) -> None:
        """Shrink and replay a schedule that failed, unless its cause is known. `running` runs have not ended."""
        if progress.joined(schedule, problem):
            return
        finding = self._shrunk(Finding(problem, schedule, schedule, outcome), progress, running)
        if progress.joined(finding.schedule, finding.problem):  # a part of it is known already
            return
        finding = self._replayed(finding, progress)
        if progress.add(finding):
            self._watch.found(finding)

    def _shrunk(self, finding: Finding, progress: HuntProgress, running: int) -> Finding:
        shrinking = shrink(finding.schedule)
        try:
            candidate = next(shrinking)
            while True:
                if self._over(running) is not None:
                    return finding
                outcome = self._store.run(candidate)
                self._count(f"shrink {schedule_text(candidate)}", len(progress.findings))
                problem = judge(candidate, outcome, progress.baseline, self._policy).problem
                same = problem is not None and problem.rule == finding.problem.rule
                if same and problem is not None:
                    finding = replace(finding, problem=problem, schedule=candidate, outcome=outcome)
                candidate = shrinking.send(same)
        except StopIteration:
            return finding

    def _replayed(self, finding: Finding, progress: HuntProgress) -> Finding:
        schedule, rule = finding.schedule, finding.problem.rule
        futures = [self._begin(schedule, number) for number in range(1, 1 + self._budget.replays)]
        failures = 0
        for number, future in enumerate(futures, 1):
            problem = judge(schedule, future.result(), progress.baseline, self._policy).problem
            failures += problem is not None and problem.rule == rule
            self._replays += 1
            self._watch.ran(
                self._runs,
                len(progress.findings),
                f"replay {number}/{len(futures)} {schedule_text(schedule)}",
            )
        return replace(finding, replays=len(futures), failures=failures)

    def _satisfied(self, progress: HuntProgress) -> str | None:
        """Return whether enough was found."""
        bound = self._budget.findings
        return counted(bound, "finding") if bound is not None and len(progress.findings) >= bound else None

    def _count(self, doing: str, findings: int = 0) -> None:
        self._runs += 1
        self._watch.ran(self._runs, findings, doing)

    def _over(self, running: int = 0) -> str | None:
        """Return which bound is reached, if any, with this number of runs that have not ended."""
        if self._runs + running >= self._budget.runs:
            return f"{self._budget.runs} runs"
        if self._clock() - self._began >= self._budget.seconds:
            return f"{self._budget.seconds:g} s"
        return None


def with_kinds(finding: Finding, kinds: Iterable[str]) -> Finding:
    """Return a finding with the kinds of other schedules of its cause."""
    own = {each.kind for each in finding.schedule}
    return replace(finding, also=tuple(kind for kind in dict.fromkeys(kinds) if kind not in own))


def note(progress: HuntProgress, schedule: Schedule, judgement: Judgement, outcome: RunOutcome) -> None:
    """Count a result for each row of a schedule."""
    for each in schedule:
        row = progress.tried.setdefault(each.kind, TriedRow())
        row.counts[judgement.result] = row.counts.get(judgement.result, 0) + 1
        if judgement.reason:
            row.reason = judgement.reason
        elif judgement.result == "no effect" and "unclear" not in row.counts:
            notes = [
                text for exchange in outcome.exchanges for text in exchange.notes if "not applied" in text
            ]
            row.reason = notes[0] if notes else "no request of this kind came"


def check_baseline(first: RunOutcome, others: list[RunOutcome]) -> None:
    """Raise NoBaseline for runs without disturbances that fail or differ."""
    if first.code is None:
        raise NoBaseline(f"without disturbances the command does not end within {first.seconds:.3g} s")
    if first.code != 0:
        words = first.last_words or "it wrote nothing"
        raise NoBaseline(f"without disturbances the command fails with exit code {first.code}: {words}")
    if not first.exchanges:
        raise NoBaseline(
            "the command sent no request to the server; it finds the server by the variables that "
            "`mockllm env` prints"
        )
    if first.missing:
        raise NoBaseline(
            f"without disturbances the command does not write {first.missing[0]}: a file to check"
        )
    for other in others:
        if other.code != first.code or other.compared != first.compared:
            raise NoBaseline("two runs without disturbances differ: their output cannot be compared")
    if first.repeated:
        raise NoBaseline(f"without disturbances a side effect comes more than once: {first.repeated[0]}")
