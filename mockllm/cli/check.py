"""`mockllm check`: finds mistakes in scenarios, without a server."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from typing import Final

from mockllm.cli.diagnostic_output import as_json, coloured
from mockllm.cli.options import LOADING, SERVING, add, default_noted, settled, wanted
from mockllm.core.json.codec import pretty
from mockllm.scenario import catalog_lint
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.loader import LoadedScenarios, load_scenarios

STRICT: Final = next(option for option in SERVING if option.key == "strict")
GREEN: Final = "\x1b[32m"
YELLOW: Final = "\x1b[33m"
RED: Final = "\x1b[31m"
PLAIN: Final = "\x1b[0m"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folders", nargs="*", metavar="DIR", help="folders (or files) of scenarios, as --scenarios"
    )
    add(parser, LOADING)
    parser.add_argument("--strict", action="store_true", default=None, help="warnings fail the check, too")
    parser.add_argument("--json", action="store_true", help="mistakes and warnings as JSON")


def run(given: argparse.Namespace) -> int:
    """0 where all is well, 1 for mistakes (if strict, or warnings), 2 where there is nothing to look at."""
    if given.folders:
        given.scenarios = [*given.folders, *(given.scenarios or ())]
    values = settled(given, (*LOADING, STRICT), os.environ)
    default_noted(values)
    gathered = load_scenarios(wanted(values, os.environ))
    warnings = catalog_lint.warnings(gathered)
    failed = bool(gathered.mistakes or (warnings and values["strict"]))
    if given.json:
        _print_json(gathered, warnings, ok=not failed)
    else:
        _print(gathered, warnings, colour=coloured())
    if gathered.mistakes and not any(mistake.line for mistake in gathered.mistakes):
        return 2
    return 1 if failed else 0


def _print(gathered: LoadedScenarios, warnings: Sequence[Diagnostic], *, colour: bool) -> None:
    red, yellow, green, plain = (RED, YELLOW, GREEN, PLAIN) if colour else ("",) * 4
    for mistake in sorted(gathered.mistakes):
        print(mistake)
    for warning in warnings:
        print(f"{yellow}warning:{plain} {warning}")
    tone = red if gathered.mistakes else yellow if warnings else green
    print(f"{tone}{summary(gathered, warnings)}{plain}")


def summary(gathered: LoadedScenarios, warnings: Sequence[Diagnostic]) -> str:
    """`3 mistakes, 1 warning in 4 files`, the files in which they stand; or `ok: 12 rules, 3 modifiers …`."""
    files = {each.file for each in (*gathered.mistakes, *warnings) if each.line}
    found = [
        _many(len(each), word)
        for word, each in (("mistake", gathered.mistakes), ("warning", warnings))
        if len(each)
    ]
    if found:
        return ", ".join(found) + (f" in {_many(len(files), 'file')}" if files else "")
    rules, modifiers, count = _counts(gathered)
    if not count:
        return "nothing to check: there is no scenario file (*.yaml, *.yml) here"
    return f"ok: {_many(rules, 'rule')}, {_many(modifiers, 'modifier')} in {_many(count, 'file')}"


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"


def _counts(gathered: LoadedScenarios) -> tuple[int, int, int]:
    """How many rules, modifiers and files there are."""
    kinds = Counter(entry.kind for entry in gathered.entries)
    return kinds["rule"], kinds["modifier"], len(gathered.loading.files) + len(gathered.loading.disabled)


def _print_json(gathered: LoadedScenarios, warnings: Sequence[Diagnostic], *, ok: bool) -> None:
    rules, modifiers, files = _counts(gathered)
    report = {
        "ok": ok,
        "rules": rules,
        "modifiers": modifiers,
        "files": files,
        "mistakes": [as_json(mistake) for mistake in gathered.mistakes],
        "warnings": [as_json(warning) for warning in warnings],
    }
    print(pretty(report).decode())
