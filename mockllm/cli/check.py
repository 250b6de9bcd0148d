"""`mockllm check`: finds mistakes in scenarios, without a server."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from mockllm.cli.console import GREEN, PLAIN, RED, YELLOW, use_colours
from mockllm.cli.option import add
from mockllm.cli.option_values import OptionValues
from mockllm.cli.options import LOAD_OPTIONS, SERVING, option_values
from mockllm.cli.sources import (
    DEFAULT_PACK,
    FOLDER,
    misnamed_files,
    note_default_pack,
    scenario_sources,
    sources_step,
    uses_default_pack,
)
from mockllm.core.display import counted
from mockllm.core.json.codec import pretty
from mockllm.scenario import catalog_lint
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.loader import LoadedScenarios, load_scenarios

STRICT: Final = next(option for option in SERVING if option.key == "strict")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folders", nargs="*", metavar="DIR", help="folders (or files) of scenarios, as --scenarios"
    )
    add(parser, LOAD_OPTIONS)
    parser.add_argument("--strict", action="store_true", default=None, help="warnings fail the check too")
    parser.add_argument("--json", action="store_true", help="mistakes and warnings as JSON")


def run(args: argparse.Namespace) -> int:
    """Return 0 without mistakes, 1 for mistakes (if strict, also for warnings or no file), 2 if none is readable."""
    if args.folders:
        args.scenarios = [*args.folders, *(args.scenarios or ())]
    values = option_values(args, (*LOAD_OPTIONS, STRICT), os.environ)
    note_default_pack(values)
    sources = scenario_sources(values, os.environ)
    with sources_step(sources):
        gathered = load_scenarios(sources)
        found = [*(misnamed_files() if uses_default_pack(values) else ()), *catalog_lint.warnings(gathered)]
    gathered = replace(
        gathered, diagnostics=[*gathered.diagnostics, *(each for each in found if each.refused)]
    )
    warnings = [each for each in found if not each.refused]
    found_nothing = values["strict"] and not warnings and not gathered.diagnostics
    nothing = _nothing_to_check(gathered, values) if found_nothing else None
    failed = bool(gathered.diagnostics or nothing or (warnings and values["strict"]))
    if args.json:
        _print_json(gathered, warnings, ok=not failed)
    else:
        _print(gathered, warnings, colour=use_colours())
        if nothing:
            print(f"mockllm check --strict: {nothing}", file=sys.stderr)
    if gathered.diagnostics and not any(diagnostic.line for diagnostic in gathered.diagnostics):
        return 2
    return 1 if failed else 0


def _nothing_to_check(gathered: LoadedScenarios, values: OptionValues) -> str | None:
    """Return why a strict check fails although nothing is wrong: it has found no file of the user. A wrong folder in
    CI would pass otherwise."""
    if uses_default_pack(values):
        return f"no scenario file in ./{FOLDER}; name a folder, or --pack {DEFAULT_PACK}"
    return None if _counts(gathered)[2] else "no scenario file"


def _print(gathered: LoadedScenarios, warnings: Sequence[Diagnostic], *, colour: bool) -> None:
    red, yellow, green, plain = (RED, YELLOW, GREEN, PLAIN) if colour else ("",) * 4
    for diagnostic in sorted(gathered.diagnostics):
        print(diagnostic)
    for warning in warnings:
        print(f"{yellow}warning:{plain} {warning}")
    tone = red if gathered.diagnostics else yellow if warnings else green
    print(f"{tone}{summary(gathered, warnings)}{plain}")


def summary(gathered: LoadedScenarios, warnings: Sequence[Diagnostic]) -> str:
    """Return `3 mistakes, 1 warning in 4 files` (the files with mistakes), or `ok: 12 rules, 3 modifiers …`."""
    files = {each.file for each in (*gathered.diagnostics, *warnings) if each.line}
    counts = [
        counted(len(each), word)
        for word, each in (("mistake", gathered.diagnostics), ("warning", warnings))
        if len(each)
    ]
    if counts:
        return ", ".join(counts) + (f" in {counted(len(files), 'file')}" if files else "")
    rules, modifiers, count = _counts(gathered)
    if not count:
        return "nothing to check: there is no scenario file (*.yaml, *.yml) here"
    return f"ok: {counted(rules, 'rule')}, {counted(modifiers, 'modifier')} in {counted(count, 'file')}"


def _counts(gathered: LoadedScenarios) -> tuple[int, int, int]:
    """Return the numbers of rules, modifiers and files."""
    kinds = Counter(entry.kind for entry in gathered.entries)
    return kinds["rule"], kinds["modifier"], len(gathered.loaded.files) + len(gathered.loaded.disabled)


def _print_json(gathered: LoadedScenarios, warnings: Sequence[Diagnostic], *, ok: bool) -> None:
    rules, modifiers, files = _counts(gathered)
    report = {
        "ok": ok,
        "rules": rules,
        "modifiers": modifiers,
        "files": files,
        "mistakes": [diagnostic.members() for diagnostic in gathered.diagnostics],
        "warnings": [warning.members() for warning in warnings],
    }
    print(pretty(report).decode())
