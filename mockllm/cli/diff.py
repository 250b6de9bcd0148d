"""`mockllm diff OLD NEW`: requests with different responses in two versions of scenarios."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mockllm.cli.console import print_diagnostics
from mockllm.cli.progress_bar import ProgressBar, shown_fetches
from mockllm.cli.sources import known_names
from mockllm.core.json.codec import pretty
from mockllm.packing.atomic_store import put_tree
from mockllm.packing.fetch import files_of
from mockllm.packing.inspection import with_shown_path
from mockllm.packing.pack_source import parse_pack_source
from mockllm.scenario.diagnostics import readable
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.scenario.lockfile import NAME, lock_path
from mockllm.scenario.manifest import ParamSettings
from mockllm.scenario.pack_files import PackRejected
from mockllm.scenario.pack_resolver import PackNotFound, PackResolver
from mockllm.testing.request_files import InvalidRequestFile, read_request_file
from mockllm.testing.scenario_diff import Case, Difference, ScenarioPair, plain, recorded

SIDE = "a folder or file of scenarios, a pack by name, or any source of `pack add`: URL@TAG, DIR@TAG, a zip, a wheel"

SCENARIOS = (".yaml", ".yml")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="OLD", help=SIDE)
    parser.add_argument("new", metavar="NEW", help="the same, for the version that replaces it")
    parser.add_argument(
        "--requests", metavar="FILE", action="append", default=[], type=Path,
        help="a request as JSON, in the format of `explain`, a scenario file, or a folder of these; may be repeated. "
        "Of a scenario file, the examples are compared, also those of recordings",
    )  # fmt: skip
    parser.add_argument("--set", metavar="PARAM=VALUE", action="append", default=[], help="for both sides")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Return 0 if all responses are equal, 1 if one differs, 2 for mistakes, and where nothing was compared."""
    # an exit at once, as during the imports, would leave the progress on the terminal, and fetched files
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with ExitStack() as stack:
        try:
            with shown_fetches():
                old, new = (stack.enter_context(_side(text, args.set)) for text in (args.old, args.new))
            progress = stack.enter_context(ProgressBar(sys.stderr, "request"))
            progress.begin("reads the requests")
            cases = list(_watched(request_cases(args.requests), progress))
        except (PackRejected, InvalidRequestFile) as error:
            print(f"mockllm: {error}", file=sys.stderr)
            return 2
        progress.begin("loads both versions")
        sides = ScenarioPair(old, new)
        if sides.diagnostics:
            diagnostics = sides.diagnostics
            for side, text in ((old, args.old), (new, args.new)):
                diagnostics = with_shown_path(diagnostics, "".join(side.scenarios), text)
            if args.json:
                print(pretty({"mistakes": [each.members() for each in diagnostics]}).decode())
            else:
                print_diagnostics(diagnostics, sys.stderr)
            return 2
        cases = [*sides.cases, *cases]
        results = [sides.compare(case) for case in _watched(cases, progress, len(cases))]
    _print(results, args.json)
    return int(any(results)) if results else 2


def _watched(cases: Iterable[Case], progress: ProgressBar, total: int | None = None) -> Iterator[Case]:
    """Yield the cases, and show how many are done."""
    for done, case in enumerate(cases, 1):
        yield case
        progress.update(done, total)


def _print(results: list[list[Difference]], json: bool) -> None:
    """Print the differences of each case."""
    if not results:
        print("mockllm: nothing was compared: there is no example, and no --requests", file=sys.stderr)
    found = [difference for differences in results for difference in differences]
    other = sum(map(bool, results))
    if json:
        differences = [each.as_json() for each in found]
        print(pretty({"requests": len(results), "otherwise": other, "differences": differences}).decode())
        return
    for each in found:
        print(readable(str(each)))
    if results:
        result = f"{other} with different responses" if other else "all responses equal"
        print(f"{len(results)} compared: {result}")


@contextmanager
def _side(text: str, sets: list[str]) -> Iterator[ScenarioSources]:
    """Yield the scenario sources of one side. Fetched files exist only within the block."""
    settings, lock = ParamSettings(tuple(sets)), lock_path([text] if os.path.exists(text) else [])
    if os.path.exists(text) and not text.endswith((".zip", ".whl")):
        yield ScenarioSources((text,), settings=settings, known_names=known_names(), lock=lock)
        return
    name = text.partition("@")[0]
    if re.fullmatch(NAME, name):
        try:
            PackResolver.for_lock(lock).find(name)
        except PackNotFound:
            pass
        except ValueError as error:
            raise PackRejected(str(error)) from None
        else:
            yield ScenarioSources((), (text,), settings, known_names(), lock=lock)
            return
    place = parse_pack_source(text, Path.cwd())
    tree = files_of(place, Path.cwd())
    if not tree.files:
        raise PackRejected(f"{text}: it contains no files")
    with tempfile.TemporaryDirectory(prefix="mockllm-diff-") as result:
        folder = Path(result) / "files"
        put_tree(tree, folder)
        yield ScenarioSources((str(folder),), settings=settings, known_names=known_names(), lock=lock)


def request_cases(paths: list[Path]) -> Iterator[Case]:
    """Yield the requests of files and folders. Raises PackRejected and InvalidRequestFile."""
    for path in paths:
        found = [*_written(path), *_recorded(path)]
        if not found:
            raise PackRejected(
                f"there is no request in {path}: no JSON file, and no scenario file with examples"
            )
        yield from found


def _written(path: Path) -> Iterator[Case]:
    """Yield the requests of JSON files."""
    files = sorted(path.rglob("*.json")) if path.is_dir() else [] if path.suffix in SCENARIOS else [path]
    for file in files:
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise PackRejected(f"{file} cannot be read: {error.strerror}") from None
        runs = read_request_file(raw, str(file), known_names())
        yield from plain(str(file), [[(each.after, each.sent) for each in run] for run in runs])


def _recorded(path: Path) -> Iterator[Case]:
    """Yield the examples of scenario files. Recordings store their requests as examples."""
    if not path.is_dir() and path.suffix not in SCENARIOS:
        return
    scenario_sources = ScenarioSources((str(path),), known_names=known_names())
    gathered = load_scenarios(scenario_sources)
    if gathered.diagnostics:
        raise InvalidRequestFile(*gathered.diagnostics)
    yield from recorded(gathered, scenario_sources)
