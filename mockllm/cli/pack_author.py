"""`mockllm pack new`, `check`, `test`, `build` and `index`: for authors of packs, and for a check before use."""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from mockllm.cli.check import summary as checked
from mockllm.cli.console import print_diagnostics, use_colours
from mockllm.cli.progress_bar import shown_step
from mockllm.cli.sources import fetch_missing, known_names
from mockllm.cli.test import show
from mockllm.cli.test import summary as tested
from mockllm.core.display import counted
from mockllm.core.json.codec import Json, pretty
from mockllm.packing.atomic_store import put_file, put_tree
from mockllm.packing.builder import build
from mockllm.packing.fetch import fetch_pack, parse_version_of
from mockllm.packing.inspection import PackCapabilities, capabilities, validate_pack, with_shown_path
from mockllm.packing.pack_source import parse_pack_source
from mockllm.scenario import catalog_lint
from mockllm.scenario.diagnostics import readable_line
from mockllm.scenario.file_lint import unused_params
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.scenario.lockfile import NAME, lock_path
from mockllm.scenario.pack_files import PackRejected, is_ignored, read_tree
from mockllm.scenario.scenario_folder import MANIFEST, is_pack
from mockllm.testing.coverage import Coverage
from mockllm.testing.example_runner import Suite

STARTER: Final = Path(__file__).parent / "pack_starter"
"""The files of a new pack; `{name}` in them is its name."""


def run(args: argparse.Namespace) -> int:
    """Run one of the commands. Return its exit code."""
    if args.doing == "new":
        return _new(args.name, args.folder or Path(args.name.rpartition("/")[2]))
    if args.doing == "build":
        return _build(args.folder, args.out)
    if args.doing == "index":
        return _index(args.file, args.sources)
    with open_pack(args.pack) as (folder, shown):
        return _check(folder, shown, args.json) if args.doing == "check" else _test(folder, shown, args)


def _build(folder: Path, out: Path) -> int:
    """Write the archives of a pack."""
    if not folder.is_dir():
        raise PackRejected(f"there is no folder {folder}")
    _expect_pack(folder)  # before all files are read: a project without a manifest also contains code
    with shown_step(f"builds {folder}"):
        validate_pack(read_tree(folder), lock_path([str(folder)]), known_names())
        paths = build(folder, out)
    for path in paths:
        print(path)
    return 0


def _expect_pack(folder: Path) -> None:
    if not is_pack(folder):
        other = next((name for name in ("pack.yml", "pack.YAML") if (folder / name).is_file()), None)
        hint = f"rename {other}" if other else "`mockllm pack new` writes one"
        raise PackRejected(f"{folder} is not a pack: it contains no {MANIFEST}; {hint}")


def _index(file: Path, sources: Sequence[str]) -> int:
    """Write packs into an index."""
    from mockllm.packing.pack_index import index_text, read_index, with_packs

    found = [fetch_pack(parse_pack_source(source, Path.cwd()), Path.cwd()) for source in sources]
    for each in found:
        validate_pack(each.tree, lock_path([]), known_names())
    packs = with_packs(
        read_index(str(file), Path.cwd()).packs if file.exists() else {}, found, file.absolute().parent
    )
    put_file(index_text(packs).encode(), file)
    for each in found:
        print(f"{each.manifest.name} {each.manifest.version} is in {file}")
    return 0


def _new(name: str, folder: Path) -> int:
    if not re.fullmatch(NAME, name):
        raise PackRejected(
            f'"{name}" is not a pack name; expected x or team/x, of letters, digits, ".", "_" and "-"'
        )
    if folder.exists() and (
        not folder.is_dir() or not all(is_ignored(each.name) for each in folder.iterdir())
    ):
        raise PackRejected(f"{folder} exists, not overwritten")
    for file in (MANIFEST, "greetings.yaml"):
        put_file((STARTER / file).read_bytes().replace(b"{name}", name.encode()), folder / file)
        print(folder / file)
    lines = {
        "check": "finds mistakes",
        "test": "runs its examples",
        "build": "writes a wheel and a zip to share",
    }
    print("\nNext:", *(f"  mockllm pack {word} {folder}  # {what}" for word, what in lines.items()), sep="\n")
    return 0


@contextmanager
def open_pack(text: str) -> Iterator[tuple[str, str]]:
    """Yield the folder of a pack and its display name. A source that is not a folder is fetched into a temporary
    folder."""
    if os.path.isdir(text):
        _expect_pack(Path(text))
        yield text, text
        return
    found = fetch_pack(parse_pack_source(text, Path.cwd()), Path.cwd())
    with tempfile.TemporaryDirectory(prefix="mockllm-pack-") as name:
        folder = Path(name) / found.manifest.name.replace("/", "-")
        put_tree(found.tree, folder)
        yield str(folder), found.place.text


def load_pack(folder: str, shown: str) -> LoadedScenarios:
    """Load a pack without any settings."""
    gathered = load_scenarios(ScenarioSources((folder,), known_names=known_names()))
    return replace(gathered, diagnostics=with_shown_path(gathered.diagnostics, folder, shown))


def _check(folder: str, shown: str, json: bool) -> int:
    with shown_step(f"checks {shown}"):
        tree = read_tree(Path(folder))
        gathered = load_pack(folder, shown)
        found = catalog_lint.warnings(gathered)
    own = next((pack for pack in gathered.loaded.packs if os.path.samefile(pack.folder, folder)), None)
    if own is not None:
        parse_version_of(own.manifest)
        found += unused_params(own, (*gathered.loaded.files, *gathered.loaded.disabled))
    warnings = with_shown_path(found, folder, shown)
    powers = None if own is None else capabilities(gathered, own)
    if json:
        report: Json = {
            "ok": not gathered.diagnostics,
            "sha256": tree.sha256,
            "could": None if powers is None else powers.as_json(),
            "mistakes": [diagnostic.members() for diagnostic in gathered.diagnostics],
            "warnings": [warning.members() for warning in warnings],
        }
        print(pretty(report).decode())
        return 1 if gathered.diagnostics else 0
    for diagnostic in sorted(gathered.diagnostics):
        print(diagnostic)
    for warning in warnings:
        print(f"warning: {warning}")
    print(checked(gathered, warnings))
    if powers is not None and not gathered.diagnostics:
        print("\n".join(describe(powers)))
        print(f"  {'SHA-256':<11} {tree.sha256}")
    return 1 if gathered.diagnostics else 0


def describe(powers: PackCapabilities) -> list[str]:
    """Return the capabilities of a pack as lines."""
    rules, modifiers = counted(powers.rules, "rule"), counted(powers.modifiers, "modifier")
    steers = f"; its modifiers set {', '.join(powers.steers)} of all responses" if powers.steers else ""
    lines = {
        "answers": f"{rules}, {modifiers}{steers}",
        "errors": ", ".join(powers.errors) or "none",
        "faults": ", ".join(powers.faults) or "none",
        "open ports": "none",
        "proxy": f"forwards requests to {', '.join(powers.proxy)}" if powers.proxy else "none",
        "redirects": f"redirects clients to {', '.join(powers.redirects)}" if powers.redirects else "none",
        "posts": f"sends requests after responses to {', '.join(powers.posts)}" if powers.posts else "none",
        "reads": ", ".join(powers.reads) or "no file beside its scenarios",
        "environment": ", ".join(powers.environment) or "no variable",
        "uses": ", ".join(powers.uses) or "no other pack",
    }
    return [
        f"{powers.name} {powers.version}:",
        *(readable_line(f"  {word:<11} {what}") for word, what in lines.items()),
    ]


def _test(folder: str, shown: str, args: argparse.Namespace) -> int:
    lock = lock_path([folder])
    if not args.frozen:
        fetch_missing(lock)
    scenario_sources = ScenarioSources((folder,), known_names=known_names(), lock=lock, frozen=args.frozen)
    with shown_step(f"loads {shown}"):
        base = load_scenarios(scenario_sources)
    if base.diagnostics:
        print_diagnostics(with_shown_path(base.diagnostics, folder, shown), sys.stderr)
        return 1
    name = next(pack.manifest.name for pack in base.loaded.packs if os.path.samefile(pack.folder, folder))
    coverage = Coverage.of(base, name)
    with shown_step(f"loads {shown}"):
        suite = Suite(scenario_sources, coverage.note)
    results = []
    for result in suite.run():
        results.append(result)
        where = result.where.replace(folder, shown, 1)  # the temporary folder of an archive
        show(replace(result, where=where), colour=use_colours())
    print(tested(results, ""))
    for point in coverage.uncovered:
        print(f"not reached: {point}")
    print(f"{coverage.share:.0%} of {len(coverage.points)} rules, steps and modifiers reached")
    short = coverage.share < args.min_coverage
    if short:
        print(f"less than the minimum of {args.min_coverage:.0%}", file=sys.stderr)
    return 1 if short or not all(result.passed for result in results) else 0
