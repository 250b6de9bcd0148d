"""`mockllm test`: runs the examples of scenario files."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence

from msgspec.structs import asdict

from mockllm.cli.console import GREEN, PLAIN, RED, print_diagnostics, use_colours
from mockllm.cli.option import add
from mockllm.cli.option_values import OptionValues
from mockllm.cli.options import LOAD_OPTIONS, option_values
from mockllm.cli.sources import (
    DEFAULT_PACK,
    misnamed_files,
    note_default_pack,
    scenario_sources,
    sources_step,
    uses_default_pack,
)
from mockllm.core.json.codec import Json, pretty
from mockllm.scenario.diagnostics import readable
from mockllm.testing.example_runner import ExampleResult, Suite


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folders", nargs="*", metavar="DIR", help="folders (or files) of scenarios, as --scenarios"
    )
    add(parser, LOAD_OPTIONS)
    parser.add_argument("--json", action="store_true", help="the results as JSON")
    parser.add_argument(
        "-k",
        dest="name",
        default="",
        metavar="NAME",
        help="only examples whose name or file contains this text",
    )


def run(args: argparse.Namespace) -> int:
    """Return 0 if all examples pass, 1 if one fails. Return 2 for mistakes in the files, a name that no example has,
    or folders without examples. Without folders, a project may have no examples yet."""
    if args.folders:
        args.scenarios = [*args.folders, *(args.scenarios or ())]
    values = option_values(args, LOAD_OPTIONS, os.environ)
    note_default_pack(values)
    sources = scenario_sources(values, os.environ)
    with sources_step(sources):
        suite = Suite(sources)
    if suite.diagnostics:
        if args.json:
            _print({"mistakes": [diagnostic.members() for diagnostic in suite.diagnostics]})
        else:
            print_diagnostics(suite.diagnostics, sys.stderr)
        return 2
    results = []
    for result in suite.run(args.name):
        results.append(result)
        if not args.json:
            show(result, colour=use_colours())
    _report(results, suite, args, values)
    if not results and (args.name or values["scenarios"]):
        return 2
    return 1 if any(not result.passed for result in results) else 0


def _report(
    results: Sequence[ExampleResult], suite: Suite, args: argparse.Namespace, values: OptionValues
) -> None:
    """Print the counts of the results, with --json the results themselves."""
    if args.json:
        failed = sum(not result.passed for result in results)
        shown = [_as_json(each) for each in results]
        _print({"passed": len(results) - failed, "failed": failed, "results": shown})
        return
    default = uses_default_pack(values)
    of_default = f", all of the pack {DEFAULT_PACK}" if default and results else ""
    print(summary(results, args.name, values["scenarios"] or ()) + of_default)
    for warning in misnamed_files() if default else ():
        print(f"warning: {warning}", file=sys.stderr)
    for pack in suite.untested:
        print(f"mockllm test --pack {pack} runs the examples of the pack {pack}", file=sys.stderr)


def show(result: ExampleResult, *, colour: bool = False) -> None:
    """Print the result of an example, with its failed expectations."""
    word = "ok" if result.passed else "FAIL"
    if colour:
        word = f"{GREEN if result.passed else RED}{word}{PLAIN}"
    print(f"{word} {result.where} {readable(title(result))}", flush=True)
    for failed in result.failed:
        step = "" if failed.step is None else f"step {failed.step}: "
        print(readable(f"  {step}{failed.mismatch}"))
        for note in failed.mismatch.notes:
            print(readable(textwrap.indent(note, "    ")))


def title(result: ExampleResult) -> str:
    """Return the name of an example, with the provider for which it was run."""
    return result.name if result.provider is None else f"{result.name} ({result.provider})"


def summary(results: Sequence[ExampleResult], name: str, folders: Sequence[str] = ()) -> str:
    """Return `12 passed, 1 failed`."""
    if not results and name:
        return f'no example contains "{name}" in its name or position'
    if not results:
        return "no examples found" + f" in {', '.join(folders)}" * bool(folders)
    failed = sum(not result.passed for result in results)
    passed = f"{len(results) - failed} passed"
    return f"{passed}, {failed} failed" if failed else passed


def _as_json(result: ExampleResult) -> Json:
    failures = [{"step": each.step, **asdict(each.mismatch)} for each in result.failed]
    file, _, line = result.where.rpartition(":")
    return {
        "file": file,
        "line": int(line),
        "name": result.name,
        "provider": result.provider,
        "passed": result.passed,
        "failures": failures,
    }


def _print(value: Json) -> None:
    print(pretty(value).decode())
