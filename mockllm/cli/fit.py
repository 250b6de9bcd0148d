"""`mockllm fit`: a scenario that is as fast as a server that was measured."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mockllm.cli.option import BadOption
from mockllm.cli.sources import read_input
from mockllm.core.load_fit.benchmark_run import BenchmarkRun, UnreadableResult
from mockllm.core.load_fit.fitting import fit_batch
from mockllm.core.load_fit.result_files import read_result
from mockllm.core.load_fit.scenario_file import scenario_text

ABOUT = (
    "A result is the JSON file of GuideLLM, of AIPerf (also the lines of profile_export.jsonl) or of "
    "`vllm bench serve --save-result`. Runs with different numbers of clients and lengths of prompts fit best."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = ABOUT
    parser.add_argument("results", nargs="+", metavar="RESULT.json", help="results; - reads standard input")
    parser.add_argument(
        "--out", metavar="FILE", help="write the scenario to this new file instead of standard output"
    )


def run(args: argparse.Namespace) -> int:
    """Return 0 after writing the scenario, 1 if a result cannot be used."""
    runs: list[BenchmarkRun] = []
    for result in args.results:
        raw, name = read_input(result, "result")
        try:
            runs += read_result(raw)
        except UnreadableResult as error:
            print(f"mockllm: {name}: {error}", file=sys.stderr)
            return 1
    try:
        fitted = fit_batch(runs)
    except UnreadableResult as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 1
    for note in fitted.notes:
        print(f"note: {note}", file=sys.stderr)
    text = scenario_text(fitted, runs)
    if args.out is None:
        print(text, end="")
        return 0
    path = Path(args.out)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise BadOption(f"--out {args.out}: {error.strerror}") from None
    return 0
