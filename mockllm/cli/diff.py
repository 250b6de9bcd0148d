"""`mockllm diff OLD NEW`: which requests two versions of scenarios answer otherwise."""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mockllm.cli.diagnostic_output import as_json, list_mistakes
from mockllm.cli.options import vocabulary
from mockllm.core.json.codec import pretty
from mockllm.packing.atomic_store import put_tree
from mockllm.packing.fetch import files_of
from mockllm.packing.pack_source import parse_pack_source
from mockllm.packing.validation import with_shown_path
from mockllm.scenario.diagnostics import readable
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.scenario.lockfile import NAME, lock_path
from mockllm.scenario.manifest import ParamSettings
from mockllm.scenario.pack_files import PackRejected
from mockllm.scenario.pack_resolver import PackNotFound, PackResolver
from mockllm.testing.request_files import InvalidRequestFile, read_given
from mockllm.testing.scenario_diff import Case, Difference, ScenarioPair, plain, recorded

SIDE = "a folder or file of scenarios, a pack by name, or any source of `pack add`: URL@TAG, DIR@TAG, a zip, a wheel"

SCENARIOS = (".yaml", ".yml")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="OLD", help=SIDE)
    parser.add_argument("new", metavar="NEW", help="the same, of what comes in its place")
    parser.add_argument(
        "--requests", metavar="FILE", action="append", default=[], type=Path,
        help="a request as JSON, as `explain` takes it, or a scenario file, whose examples are asked, as recordings "
        "hold them; or a folder of such; may be repeated",
    )  # fmt: skip
    parser.add_argument("--set", metavar="PARAM=VALUE", action="append", default=[], help="for both sides")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(given: argparse.Namespace) -> int:
    """0 where all requests are answered alike, 1 where one is not, 2 for mistakes."""
    with ExitStack() as stack:
        try:
            old, new = (stack.enter_context(_side(text, given.set)) for text in (given.old, given.new))
            cases = list(_requests(given.requests))
        except (PackRejected, InvalidRequestFile) as error:
            print(f"mockllm: {error}", file=sys.stderr)
            return 2
        sides = ScenarioPair(old, new)
        if sides.mistakes:
            mistakes = sides.mistakes
            for side, text in ((old, given.old), (new, given.new)):
                mistakes = with_shown_path(mistakes, "".join(side.scenarios), text)
            if given.json:
                print(pretty({"mistakes": [as_json(each) for each in mistakes]}).decode())
            else:
                list_mistakes(mistakes, sys.stderr)
            return 2
        cases = [*sides.cases, *cases]
        told = [sides.compare(case) for case in cases]
    _print(told, given.json)
    return 1 if any(told) else 0


def _print(told: list[list[Difference]], json: bool) -> None:
    """What differs, by case."""
    found = [difference for each in told for difference in each]
    other = sum(map(bool, told))
    if json:
        differences = [each.as_json() for each in found]
        print(pretty({"requests": len(told), "otherwise": other, "differences": differences}).decode())
        return
    for each in found:
        print(readable(str(each)))
    result = f"{other} answered otherwise" if other else "all answered alike"
    print(
        f"{len(told)} asked: {result}"
        if told
        else "nothing was asked: there is no example, and no --requests"
    )


@contextmanager
def _side(text: str, sets: list[str]) -> Iterator[ScenarioSources]:
    """What a word of the command line names, loadable for the while."""
    settings, lock = ParamSettings(tuple(sets)), lock_path([text] if os.path.exists(text) else [])
    if os.path.exists(text) and not text.endswith((".zip", ".whl")):
        yield ScenarioSources((text,), settings=settings, vocabulary=vocabulary(), lock=lock)
        return
    name = text.partition("@")[0]
    if re.fullmatch(NAME, name):
        try:
            PackResolver.beside(lock).find(name)
        except PackNotFound:
            pass
        except ValueError as error:
            raise PackRejected(str(error)) from None
        else:
            yield ScenarioSources((), (text,), settings, vocabulary(), lock=lock)
            return
    place = parse_pack_source(text, Path.cwd())
    tree = files_of(place, Path.cwd())
    if not tree.files:
        raise PackRejected(f"{text}: there is nothing in it")
    with tempfile.TemporaryDirectory(prefix="mockllm-diff-") as made:
        folder = Path(made) / "files"
        put_tree(tree, folder)
        yield ScenarioSources((str(folder),), settings=settings, vocabulary=vocabulary(), lock=lock)


def _requests(given: list[Path]) -> Iterator[Case]:
    for path in given:
        found = [*_written(path), *_recorded(path)]
        if not found:
            raise PackRejected(
                f"there is no request in {path}: no JSON file, and no scenario file with examples"
            )
        yield from found


def _written(path: Path) -> Iterator[Case]:
    """Requests as JSON."""
    files = sorted(path.rglob("*.json")) if path.is_dir() else [] if path.suffix in SCENARIOS else [path]
    for file in files:
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise PackRejected(f"{file} cannot be read: {error.strerror}") from None
        runs = read_given(raw, str(file), vocabulary())
        yield from plain(str(file), [[(each.after, each.sent) for each in run] for run in runs])


def _recorded(path: Path) -> Iterator[Case]:
    """The examples of scenario files: a recording holds the request that it answers."""
    if not path.is_dir() and path.suffix not in SCENARIOS:
        return
    wanted = ScenarioSources((str(path),), vocabulary=vocabulary())
    gathered = load_scenarios(wanted)
    if gathered.mistakes:
        raise InvalidRequestFile(*gathered.mistakes)
    yield from recorded(gathered, wanted)
