"""`mockllm drift`: is the provider still what the mock says?"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Final

from mockllm.cli.console import print_diagnostics
from mockllm.cli.diff import request_cases
from mockllm.cli.drift_table import print_report
from mockllm.cli.option import BadOption, add, argparse_type
from mockllm.cli.option_values import OptionValues
from mockllm.cli.options import LOAD_OPTIONS, RECORDING, option_values
from mockllm.cli.progress_bar import ProgressBar
from mockllm.cli.sources import known_names, note_default_pack, scenario_sources, uses_default_pack
from mockllm.cli.units import at_least, positive_seconds, provider_name
from mockllm.core.display import counted
from mockllm.core.json.codec import pretty
from mockllm.dialects.price import Price
from mockllm.drift.change import SEVERITIES
from mockllm.drift.cost import CostBudget, dollars
from mockllm.drift.extras_pack import PACK, is_fixable, write_extras_pack
from mockllm.drift.live_provider import LiveProviders
from mockllm.drift.recorded_exchanges import RecordedExchanges
from mockllm.drift.report import DriftReport
from mockllm.drift.requests import example_requests, recorded_requests
from mockllm.drift.run import Exchanges, KeyRefused, ask_all, compare_all, requests_of
from mockllm.engine import Engine
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.example_entries import ExampleEntry
from mockllm.scenario.loader import LoadedScenarios, load_scenarios
from mockllm.scenario.pack_files import PackRejected
from mockllm.server.upstreams import Upstreams
from mockllm.state.engine_state import EngineState
from mockllm.testing.example_runner import tested_examples
from mockllm.testing.request_files import InvalidRequestFile

OPTIONS: Final = (*LOAD_OPTIONS, *RECORDING)
MAX_AMOUNT: Final = 1e9
"""US dollars: a sum of larger amounts may be infinite."""
ABOUT: Final = (
    "Sends the examples of scenarios to live providers with your own keys, and compares the form of the responses "
    "with this server's. The form is fields, types, event order, headers and errors, never texts. "
    "Exit code 1 if a change is as severe as --fail-on says."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = ABOUT
    parser.add_argument(
        "folders", nargs="*", metavar="DIR", help="folders (or files) of scenarios, as --scenarios"
    )
    add(parser, OPTIONS)
    _add_sources(parser)
    _add_judgement(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _add_sources(parser: argparse.ArgumentParser) -> None:
    """Add what is compared: requests, or recordings."""
    parser.add_argument(
        "--requests", metavar="PATH", action="append", default=[], type=Path,
        help="send the requests of a file or folder in place of examples: JSON as for `explain`, or recordings",
    )  # fmt: skip
    parser.add_argument(
        "--against", metavar="FOLDER", action="append", default=[], type=Path,
        help="compare recordings (of `mockllm record`, or that `mockllm import` reads); nothing is sent",
    )  # fmt: skip
    parser.add_argument(
        "--model",
        metavar="PROVIDER=MODEL",
        action="append",
        default=[],
        type=argparse_type(_pair),
        help="the model of examples",
    )
    parser.add_argument(
        "--key-variable", metavar="PROVIDER=NAME", action="append", default=[], type=argparse_type(_pair),
        help="the environment variable of a key; by default that of the provider's SDK",
    )  # fmt: skip
    parser.add_argument(
        "--max-cost",
        metavar="USD",
        type=argparse_type(_amount),
        default=0.25,
        help="the most that the run may cost (default: 0.25)",
    )
    parser.add_argument(
        "--max-tokens",
        metavar="N",
        type=argparse_type(at_least(1)),
        default=200,
        help="max_tokens of examples without their own (default: 200)",
    )
    parser.add_argument(
        "--price", metavar="MODEL=IN/OUT", action="append", default=[], type=argparse_type(_price),
        help="US dollars for a million tokens, by the beginning of a model's name",
    )  # fmt: skip


def _add_judgement(parser: argparse.ArgumentParser) -> None:
    """Add the bound of a response, and what becomes of the changes."""
    parser.add_argument(
        "--timeout",
        metavar="TIME",
        type=argparse_type(positive_seconds),
        default=60.0,
        help="the longest time for each response (default: 60s)",
    )
    parser.add_argument(
        "--fail-on",
        choices=(*SEVERITIES, "none"),
        default="medium",
        help="severity of the exit code 1 (medium)",
    )
    parser.add_argument(
        "--ignore",
        metavar="GLOB",
        action="append",
        default=[],
        help="fields to ignore, such as '$.usage.*'",
    )
    parser.add_argument(
        "--fix", metavar="DIR", nargs="?", const="scenarios", default=None,
        help="write new fields as a pack of `extras` into a folder of scenarios (./scenarios)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Return 0 without a severe change, 1 with one, 2 for a mistake, a refused key or a bound that is too low."""
    if args.folders:
        args.scenarios = [*args.folders, *(args.scenarios or ())]
    values = option_values(args, OPTIONS, os.environ)
    if not args.against and not values["upstream"]:
        raise BadOption(
            "drift: expected a provider, --upstream openai=https://api.openai.com, or recordings, --against FOLDER"
        )
    note_default_pack(values)
    sources = scenario_sources(values, os.environ)
    gathered = load_scenarios(sources)
    if gathered.diagnostics:
        print_diagnostics(gathered.diagnostics, sys.stderr)
        return 2
    report = DriftReport(lambda protocol, place: is_ignored(place, args.ignore))
    engine = _engine(gathered)
    examples = tested_examples(gathered, sources)
    try:
        exchanges = (
            _recorded(engine, args, report) if args.against else _live(engine, examples, args, values, report)
        )
    except (KeyRefused, PackRejected, InvalidRequestFile) as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 2
    compare_all(engine, exchanges, report, PACK if args.fix is not None else "")
    if args.json:
        print(pretty(report.as_json()).decode())
    else:
        print_report(report)
    if args.fix is not None:
        _fix(report, exchanges, args, values)
    if not report.rows:
        print("mockllm: nothing was compared", file=sys.stderr)
        return 2
    return int(report.failed(None if args.fail_on == "none" else args.fail_on))


def is_ignored(place: str, globs: Sequence[str]) -> bool:
    """Return whether a glob matches a place. The `[]` of a path is no set of characters; `[[]]` is the same."""
    return any(fnmatchcase(place, re.sub(r"(?<!\[)\[\]", "[[]]", glob)) for glob in globs)


def _engine(gathered: LoadedScenarios) -> Engine:
    return Engine(run_steps(compile_catalog(gathered.entries)), EngineState())


def _recorded(engine: Engine, args: argparse.Namespace, report: DriftReport) -> Exchanges:
    exchanges: Exchanges = []
    for folder in args.against:
        if not folder.exists():
            raise BadOption(f"--against {folder}: there is no such folder")
        found = RecordedExchanges(folder, known_names())
        with ProgressBar(sys.stderr, "recorded exchange") as progress:
            progress.begin(f"reads {folder}")
            for number, (sent, response) in enumerate(found, 1):
                exchanges.append((sent.read_by(engine, 0.0), response))
                progress.update(number, None, f"reads {folder}")
        report.notes += found.notes
    return exchanges


def _live(
    engine: Engine,
    examples: Sequence[ExampleEntry],
    args: argparse.Namespace,
    values: OptionValues,
    report: DriftReport,
) -> Exchanges:
    """Send the requests; tell the cost before and after. Raises KeyRefused, PackRejected, InvalidRequestFile."""
    if args.requests:
        wanted = recorded_requests(list(request_cases(args.requests)))
    else:
        wanted = example_requests(examples, dict(args.model), args.max_tokens)
    upstreams = dict(values["upstream"] or ())
    live = LiveProviders(Upstreams(upstreams), args.timeout, dict(args.key_variable))
    requests = [each for each in requests_of(engine, wanted) if live.serves(each)]
    budget = CostBudget(args.max_cost, dict(args.price))
    most = sum(map(budget.most, requests))
    where = ", ".join(dict.fromkeys(each.provider or "other" for each in requests))
    if requests:
        _tell(f"{counted(len(requests), 'request')} to {where}, at most {dollars(most)}")
    else:
        _tell(f"no example or request is for {', '.join(upstreams)}")
    if most > args.max_cost:
        _tell(f"the bound is --max-cost {args.max_cost:g}: requests beyond it are not sent")
    with ProgressBar(sys.stderr, "request") as progress:
        watch = partial(progress.update, total=len(requests))
        exchanges = asyncio.run(ask_all(live, requests, budget, report, watch))
    uncounted = f", {counted(budget.uncounted, 'response')} estimated" if budget.uncounted else ""
    _tell(f"cost by the usage that the responses report: {dollars(budget.spent)}{uncounted}")
    return exchanges


def _fix(report: DriftReport, exchanges: Exchanges, args: argparse.Namespace, values: OptionValues) -> None:
    """Write the pack, and compare once more with the pack in force, where it has new fields."""
    folder = Path(args.fix)
    packs = ("default",) if uses_default_pack(values) else ()
    try:
        written = write_extras_pack(report, folder, packs)
    except OSError as error:
        raise BadOption(f"--fix {folder}: {error.strerror}") from None
    if not written:
        _tell("no new fields")
        return
    sources = scenario_sources(
        {**values, "scenarios": [*(values["scenarios"] or ()), str(folder)]}, os.environ
    )
    after = DriftReport()
    compare_all(_engine(load_scenarios(sources)), exchanges, after)
    left = [each for each in after.changes if is_fixable(each)]
    in_force = f"{len(left)} not in force" if left else "all in force"
    _tell(f"{counted(written, 'new field')} in {folder}/provider-drift.yaml; {in_force}")
    for change in left:
        _tell(f"  {change.protocol} {change.place} {change.detail}")


def _tell(text: str) -> None:
    print(f"mockllm: {text}", file=sys.stderr)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator and value):
        raise ValueError(f"expected PROVIDER=VALUE, found {text!r}")
    return provider_name(name), value


def _price(text: str) -> tuple[str, Price]:
    name, separator, value = text.partition("=")
    cheap, slash, dear = value.partition("/")
    try:
        if not (name and separator and slash):
            raise ValueError
        return name, Price(_amount(cheap), _amount(dear))
    except ValueError:
        raise ValueError(f"expected MODEL=IN/OUT in US dollars, found {text!r}") from None


def _amount(text: str) -> float:
    """Parse US dollars. A bound that is no number would be no bound."""
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount <= MAX_AMOUNT:
        raise ValueError(f"expected US dollars, such as 0.25, found {text!r}")
    return amount
