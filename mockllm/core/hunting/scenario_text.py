"""A finding as a scenario file. It has the disturbances as modifiers, replies for a client that gets no other
responses, and an example that shows what is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Final

from mockllm.core.hunting.disturbance import schedule_text
from mockllm.core.hunting.disturbance_type import DisturbanceType
from mockllm.core.hunting.disturbance_types import DISTURBANCES
from mockllm.core.hunting.finding import Finding
from mockllm.core.hunting.judgement import modifier_name
from mockllm.core.hunting.outcome import ExchangeSeen, RunOutcome
from mockllm.core.json.codec import Json, dumps

WIDTH: Final = 110
MAX_STEPS: Final = 6
"""The requests of a run that the example repeats."""
MAX_RULES: Final = 20
"""The replies that the file contains."""
TEMPLATES: Final = ("{{", "{%")
EXPECTED: Final = {
    "same": "has the same result",
    "recover": "recovers by a retry, or ends with an error that says so",
    "report": "ends with an error that says so, or recovers",
    "ignore": "does as it likes",
}
"""The reactions of a good client, by expectation."""
RECOVERS: Final = "recovers by a retry"
"""The reaction that `--expect recover` demands."""


def scenario_text(finding: Finding, baseline: RunOutcome, command: str, path: str, pace: Json) -> str:
    """Return the file. `command` is the command that was run, `path` the file's own path, `pace` the pace of the
    hunt, None for that of the scenarios."""
    lines = [*_comment(finding, command, path), "mockllm: 1", f"finding: {flow(finding.name)}", "modifiers:"]
    if pace is not None:
        lines += _item({"name": "hunt-pace", "pace": pace})
    for number, disturbance in enumerate(finding.schedule):
        lines += _item(disturbance.modifier(modifier_name(number)))
    rules = list(_rules(baseline.exchanges))
    if rules:
        lines += ["rules:  # for a client that is served nothing else: all other rules come before these"]
        lines += [line for rule in rules for line in _item(rule)]
    steps = list(_steps(finding))
    if steps:
        lines += ["examples:", f"  - name: {flow(finding.name)}", "    steps:"]
        lines += [f"      - {flow(step)}" for step in steps]
    return "\n".join(lines) + "\n"


def _comment(finding: Finding, command: str, path: str) -> Iterator[str]:
    rows = [DISTURBANCES[each.kind] for each in finding.schedule]
    yield f"# Found by mockllm hunt: {_line(schedule_text(finding.schedule))}"
    for row in rows:
        yield from _wrapped(f"The server {row.says}.")
    yield from _wrapped(f"The rule: {finding.rule_text}")
    yield from _wrapped(f"What happened in {finding.rate} runs: {finding.problem.message}.")
    yield from _wrapped(f"A good client {RECOVERS if finding.demanded else _expected(rows)}.")
    yield "#"
    yield f"# Replay:  mockllm exec --scenarios {path} -- {_line(command)}"
    yield f'# pytest:  @pytest.mark.mockllm(scenarios="{path}", verdicts=True)'


def _expected(rows: Sequence[DisturbanceType]) -> str:
    """Return what a good client does after all of these: what the weakest expectation allows."""
    order = ("report", "recover", "same")
    return EXPECTED[min((row.expect for row in rows), key=order.index)]


def _wrapped(text: str) -> list[str]:
    return [f"# {line}" for line in wrap(_line(text), WIDTH - 2, break_on_hyphens=False)]


def _line(text: str) -> str:
    """Return a text as one line without control characters, which a comment cannot hold."""
    return "".join(char if char.isprintable() else " " for char in text)


def _item(keys: dict[str, Json]) -> list[str]:
    """Return an item of a list, one line for each key."""
    lines = [f"{name}: {flow(value)}" for name, value in keys.items()]
    return [f"{'  - ' if number == 0 else '    '}{line}" for number, line in enumerate(lines)]


def _rules(exchanges: Sequence[ExchangeSeen]) -> Iterator[dict[str, Json]]:
    """Yield a fallback for each request of the run without disturbances, with the reply that it got."""
    seen: list[Json] = []
    for each in exchanges:
        match: dict[str, Json] = {"turn": each.turn}
        if each.api is not None:
            match = {"api": each.api, **match}
        if each.user:
            match["user"] = {"equals": each.user}
        if each.reply is None or match in seen or len(seen) == MAX_RULES:
            continue
        seen.append(match)
        rule: dict[str, Json] = {"name": f"reply-{len(seen)}", "fallback": True, "match": match}
        if any(mark in flow(each.reply) for mark in TEMPLATES):
            rule["literal"] = True
        yield {**rule, "reply": each.reply}


def _steps(finding: Finding) -> Iterator[Json]:
    """Yield the requests of the failing run up to the last one that was disturbed, with what was sent."""
    exchanges = finding.outcome.exchanges[:MAX_STEPS]
    names = {modifier_name(number) for number in range(len(finding.schedule))}
    disturbed = [number for number, each in enumerate(exchanges) if not names.isdisjoint(each.modifiers)]
    last = min(max(disturbed, default=-1), disturbed[0] + 1 if disturbed else -1)
    for each in exchanges[: last + 1]:
        if each.body is None:
            return
        expect: dict[str, Json] = {"status": each.status}
        if each.faults:
            expect["faults"] = list(each.faults)
        if each.error is not None and not each.stream:
            expect["error"] = each.error
        request = {"session": finding.name, "method": "POST", "path": each.path, "body": each.body}
        yield {"request": request, "expect": expect}


_PLAIN: Final = re.compile(r"[A-Za-z_/$][A-Za-z0-9_./$-]*\Z")
_DURATION: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:ms|s|m)\Z")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def flow(value: Json) -> str:
    """Return a JSON value as YAML in one line, which a person reads more easily than JSON."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(name)}: {flow(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str) and _is_plain(value):
        return value
    return dumps(value).decode()


def _is_plain(text: str) -> bool:
    named = _PLAIN.match(text) is not None and text.lower() not in _WORDS
    return named or _DURATION.match(text) is not None
