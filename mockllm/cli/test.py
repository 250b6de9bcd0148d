"""`mockllm test`: runs the examples of scenario files."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence

from msgspec.structs import asdict

from mockllm.cli.console import GREEN, PLAIN, RED, print_mistakes, use_colours
from mockllm.cli.option import add
from mockllm.cli.options import LOAD_OPTIONS, option_values
from mockllm.cli.sources import note_default_pack, scenario_sources, sources_step
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
    """Return 0 if all examples pass (or none exist), 1 if one fails. Return 2 for mistakes in the files, or a name
    that no example has."""
    if args.folders:
        args.scenarios = [*args.folders, *(args.scenarios or ())]
    values = option_values(args, LOAD_OPTIONS, os.environ)
    note_default_pack(values)
    sources = scenario_sources(values, os.environ)
    with sources_step(sources):
        suite = Suite(sources)
    if suite.diagnostics:
        if args.json:
            _print({"mistakes": [mistake.members() for mistake in suite.diagnostics]})
        else:
            print_mistakes(suite.diagnostics, sys.stderr)
        return 2
    results = []
    for result in suite.run(args.name):
        results.append(result)
        if not args.json:
            show(result, colour=use_colours())
    failed = sum(not result.passed for result in results)
    if args.json:
        _print(
            {
                "passed": len(results) - failed,
                "failed": failed,
                "results": [_as_json(each) for each in results],
            }
        )
    else:
        print(summary(results, args.name))
        for pack in suite.untested:
            print(f"mockllm test --pack {pack} runs the examples of the pack {pack}", file=sys.stderr)
    if args.name and not results:
        return 2
    return 1 if failed else 0


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


def summary(results: Sequence[ExampleResult], name: str) -> str:
    """Return `12 passed, 1 failed`."""
    if not results:
        return f'no example contains "{name}" in its name or position' if name else "no examples found"
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
