"""The judgement on one run: did the client bear what the server did?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct, field

from mockllm.core.display import counted, shortened
from mockllm.core.hunting.disturbance import Disturbance, Schedule
from mockllm.core.hunting.disturbance_type import DisturbanceType, ExpectedReaction
from mockllm.core.hunting.disturbance_types import DISTURBANCES
from mockllm.core.hunting.outcome import MAX_SHOWN, RunOutcome

Result: TypeAlias = Literal["held", "recovered", "reported", "unclear", "no effect", "failed"]
"""`unclear`: it cannot be seen from outside. `no effect`: nothing of the schedule was played."""

RULES: Final[Mapping[str, str]] = {
    "same_result": "A legal variation of a response changes nothing in the result.",
    "no_crash": "A client does not end with a mistake in its own code.",
    "ends": "A client does not wait for ever.",
    "says_so": "A client that cannot finish says so.",
    "no_wrong_result": "A client does not take a broken or cut response for a complete one.",
    "recovers": "A client recovers from a temporary failure.",
    "goes_on": "A client does not go on with a conversation that the model refused, unless it removes the refusal.",
    "once": "A client does nothing twice that may happen once only.",
}
"""The rules for clients that a run can break, besides those of the verdicts."""
EXPECTED_BAD: Final = frozenset({"gave_up", "no_read_timeout", "cancelled_early"})
"""Verdicts that are not findings by themselves. A client may give up with an error. The time bound of a run
judges a client that hangs. A client that leaves a broken response early is right."""


MAX_FAILURES: Final = 2
"""The failures in a row that a client has to survive, if it has to recover: the official SDKs retry twice."""


MIN_PART: Final = 3
"""The characters of a part of a word, at least, that is recognized."""


class BrokenRule(Struct, frozen=True):
    """A mistake of a client: the name of the rule that it broke (a key of RULES, or a verdict's), and how."""

    rule: str
    message: str


class Judgement(Struct, frozen=True):
    """The result of a run, with the problem of a failed one, or the reason for an unclear one."""

    result: Result
    problem: BrokenRule | None = None
    reason: str = ""


class Policy(Struct, frozen=True):
    """The outcomes that count as findings.

    `reported`: the exit codes that mean "reported its failure to the user"; empty: any code without a crash.
    `demand`: `recover` makes a finding of a client that only reports where it could recover. `expectations`
    replace those of the table, by row.
    """

    reported: frozenset[int] = frozenset()
    demand: Literal["recover", "report"] = "report"
    expectations: Mapping[str, ExpectedReaction] = field(default_factory=dict)

    def expects(self, row: DisturbanceType) -> ExpectedReaction:
        return self.expectations.get(row.name, row.expect)


def judge(schedule: Schedule, outcome: RunOutcome, baseline: RunOutcome, policy: Policy) -> Judgement:
    """Return the judgement on a run of a schedule. `baseline` is the run without disturbances."""
    played = [each for number, each in enumerate(schedule) if _was_played(number, each, outcome)]
    if not played:
        return Judgement("no effect")
    rows = [DISTURBANCES[each.kind] for each in played]
    if all(policy.expects(row) == "same" for row in rows):
        return _of_variation(outcome, baseline)
    return _of_fault(rows, played, outcome, baseline, policy)


def modifier_name(number: int) -> str:
    """Return the name of the modifier of a schedule's disturbance with this number, counted from 0."""
    return f"hunt-{number + 1}"


def _was_played(number: int, disturbance: Disturbance, outcome: RunOutcome) -> bool:
    """Return whether a disturbance applied to a response: at least one of its faults, where it has faults."""
    name, faults = modifier_name(number), set(disturbance.fault_names)
    return any(
        name in each.modifiers and (not faults or not faults.isdisjoint(each.faults))
        for each in outcome.exchanges
    )


def _of_variation(outcome: RunOutcome, baseline: RunOutcome) -> Judgement:
    problem = _hang(outcome) or _repetition(outcome)
    if problem is None and outcome.code != baseline.code:
        words = outcome.crash or outcome.last_words
        problem = BrokenRule("same_result", f"the command ended with exit code {outcome.code}: {words}")
    if problem is None and outcome.compared != baseline.compared:
        problem = BrokenRule("same_result", _difference(outcome.compared, baseline.compared))
    problem = problem or _bad_verdict(outcome, baseline)
    return Judgement("held") if problem is None else Judgement("failed", problem)


def _of_fault(
    rows: Sequence[DisturbanceType],
    played: Sequence[Disturbance],
    outcome: RunOutcome,
    baseline: RunOutcome,
    policy: Policy,
) -> Judgement:
    if outcome.code is None and (patient := _patience(outcome)):
        return Judgement("unclear", reason=patient)
    problem = (
        _hang(outcome) or _repetition(outcome) or _continuation(outcome) or _bad_verdict(outcome, baseline)
    )
    if problem is not None:
        return Judgement("failed", problem)
    if outcome.code == baseline.code:
        return _of_success(rows, outcome, baseline)
    return _of_failure(rows, played, outcome, policy)


def _of_success(rows: Sequence[DisturbanceType], outcome: RunOutcome, baseline: RunOutcome) -> Judgement:
    """Judge a command that ended as it does without faults."""
    if outcome.compared == baseline.compared:
        return Judgement("recovered" if outcome.compared is not None else "held")
    if any(row.changes_content for row in rows) and _shows_content(outcome):
        return Judgement("held")
    if _says_something(outcome, baseline):
        return Judgement("reported")
    found = _difference(outcome.compared, baseline.compared)
    return Judgement("failed", BrokenRule("no_wrong_result", f"the command succeeded, and {found}"))


def _shows_content(outcome: RunOutcome) -> bool:
    """Return whether the command wrote any content, or the last response had none."""
    return bool((outcome.compared or b"").strip()) or not outcome.exchanges[-1].text.strip()


def _of_failure(
    rows: Sequence[DisturbanceType], played: Sequence[Disturbance], outcome: RunOutcome, policy: Policy
) -> Judgement:
    """Judge a command that ended with another exit code than without faults."""
    reported = outcome.code in policy.reported if policy.reported else outcome.crash is None
    if not reported:
        if outcome.crash is None and outcome.failed_assertion:
            return Judgement("unclear", reason="an assertion of the test failed")
        rule = "no_crash" if outcome.crash else "says_so"
        words = outcome.crash or outcome.last_words or "no word"
        return Judgement(
            "failed", BrokenRule(rule, f"the command ended with exit code {outcome.code}: {words}")
        )
    if not policy.reported and outcome.failed_assertion:
        return Judgement("unclear", reason="an assertion of the test failed")
    recoverable = all(policy.expects(row) in ("recover", "same") for row in rows)
    failures = sum(each.times or MAX_FAILURES + 1 for each in played)
    if policy.demand == "recover" and recoverable and failures <= MAX_FAILURES:
        return Judgement("failed", BrokenRule("recovers", f"the command gave up: {outcome.last_words}"))
    return Judgement("reported")


def _hang(outcome: RunOutcome) -> BrokenRule | None:
    if outcome.code is not None:
        return None
    requests = counted(len(outcome.exchanges), "request")
    return BrokenRule("ends", f"the command had not ended after {outcome.seconds:.1f} s and {requests}")


def _patience(outcome: RunOutcome) -> str | None:
    """Return why a command that did not end may end later: its own header states a longer read timeout."""
    waiting = [each for each in outcome.exchanges if each.left in (None, "gone", "silence", "stopped")]
    stated = max((each.timeout or 0.0 for each in waiting), default=0.0)
    if stated > outcome.seconds:
        return f"the client's own read timeout is {stated:g} s, longer than the run's bound"
    return None


def _repetition(outcome: RunOutcome) -> BrokenRule | None:
    if not outcome.repeated:
        return None
    return BrokenRule(
        "once", f"a side effect came more than once: {shortened(outcome.repeated[0], MAX_SHOWN)}"
    )


def _continuation(outcome: RunOutcome) -> BrokenRule | None:
    """Return a problem where a later request has a refused turn in its conversation."""
    for number, refused in enumerate(outcome.exchanges):
        if not refused.refused:
            continue
        for later in outcome.exchanges[number + 1 :]:
            if later.turn > refused.turn:
                return BrokenRule("goes_on", f"after a refusal the conversation goes on: {later.line}")
    return None


def _bad_verdict(outcome: RunOutcome, baseline: RunOutcome) -> BrokenRule | None:
    known = {each.name for each in baseline.verdicts} | EXPECTED_BAD
    for each in outcome.verdicts:
        if not each.good and each.name not in known:
            return BrokenRule(each.name, each.message)
    return None


def _difference(found: bytes | None, expected: bytes | None) -> str:
    """Return the first line that differs."""
    new, old = ((text or b"").decode("utf-8", "replace").splitlines() for text in (found, expected))
    for number in range(max(len(new), len(old))):
        pair = [shortened(lines[number], MAX_SHOWN) if number < len(lines) else None for lines in (new, old)]
        if pair[0] != pair[1]:
            shown = ["nothing" if each is None else repr(each) for each in pair]
            return f"line {number + 1} of its output is {shown[0]}, not {shown[1]}"
    return "its output ends otherwise"


def _says_something(outcome: RunOutcome, baseline: RunOutcome) -> bool:
    """Return whether the command wrote a word that neither its run without faults nor a response has: then it
    may have reported what happened. Parts of words count as known, since a cut text ends within a word."""
    known = "\n".join(
        (
            baseline.stdout,
            baseline.stderr,
            (baseline.compared or b"").decode("utf-8", "replace"),
            *(f"{each.text}\n{each.sent}" for each in (*outcome.exchanges, *baseline.exchanges)),
        )
    )
    return any(not _is_known(word, known) for word in _words(outcome))


def _is_known(word: str, known: str) -> bool:
    """Return whether a word is in a text, or is joined from a few parts that are. A text that is repeated, or
    continued elsewhere, has such joined words."""
    if word in known:
        return True
    for size in range(len(word) - 1, MIN_PART - 1, -1):
        if word[:size] in known:
            rest = word[size:]
            return len(rest) >= MIN_PART and rest in known
    return False


def _words(outcome: RunOutcome) -> Iterable[str]:
    compared = (outcome.compared or b"").decode("utf-8", "replace")
    for text in (outcome.stdout, outcome.stderr, compared):
        yield from text.split()
