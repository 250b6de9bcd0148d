"""`mockllm pack new`, `check`, `test` and `build`: for who writes a pack, or looks at one before using it."""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from mockllm.cli.check import summary as checked
from mockllm.cli.diagnostic_output import as_json, coloured, list_mistakes
from mockllm.cli.fetch_locked import fetch_missing
from mockllm.cli.options import vocabulary
from mockllm.cli.test import show
from mockllm.cli.test import summary as tested
from mockllm.core.json.codec import Json, pretty
from mockllm.packing.atomic_store import put_file, put_tree
from mockllm.packing.builder import build
from mockllm.packing.capabilities import Capabilities, capabilities
from mockllm.packing.fetch import fetch_pack, manifest, parse_version_of
from mockllm.packing.pack_source import parse_pack_source
from mockllm.packing.validation import validate_pack, with_shown_path
from mockllm.scenario import catalog_lint
from mockllm.scenario.diagnostics import readable
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios
from mockllm.scenario.lockfile import NAME, lock_path
from mockllm.scenario.pack_files import PackRejected, hidden, read_tree
from mockllm.scenario.scenario_folder import MANIFEST, is_pack
from mockllm.testing.coverage import Coverage
from mockllm.testing.example_runner import Suite

STARTER: Final = {
    MANIFEST: """\
name: {name}
version: "0.1.0"
description: What it is for, in a sentence.
license: MIT
requires: {{mockllm: ">=0.1", language: 1}}
params:
  greeting:
    type: string
    default: Hello
    description: How it greets.
""",
    "greetings.yaml": """\
mockllm: 1
rules:
  - name: greeting
    match: {{user: {{contains: hello}}}}
    reply: "${{greeting}} from {name}."
  - name: anything                # a pack's broad rules stand behind everybody else's
    fallback: true
    reply: I only greet.
examples:
  - name: a greeting
    request: {{user: hello there}}
    expect: {{rule: greeting, text: Hello from {name}.}}
  - name: a greeting in other words
    with: {{greeting: Ahoy}}
    request: {{user: hello there}}
    expect: {{text: Ahoy from {name}.}}
  - name: anything else
    request: {{user: "What is the weather?"}}
    expect: {{rule: anything}}
""",
}


def run(given: argparse.Namespace) -> int:
    """As `mockllm pack`."""
    if given.doing == "new":
        return _new(given.name, given.folder or Path(given.name.rpartition("/")[2]))
    if given.doing == "build":
        validate_pack(read_tree(given.folder), lock_path([str(given.folder)]), vocabulary())
        for path in build(given.folder, given.out):
            print(path)
        return 0
    with opened(given.pack) as (folder, shown):
        return _check(folder, shown, given.json) if given.doing == "check" else _test(folder, shown, given)


def _new(name: str, folder: Path) -> int:
    if not re.fullmatch(NAME, name):
        raise PackRejected(
            f'"{name}" is no name of a pack; write x or team/x, in letters, digits, ".", "_" and "-"'
        )
    if folder.exists() and (not folder.is_dir() or not all(hidden(each.name) for each in folder.iterdir())):
        raise PackRejected(f"{folder} is there already, and stays as it is")
    for file, text in STARTER.items():
        put_file(text.format(name=name).encode(), folder / file)
        print(folder / file)
    lines = {
        "check": "finds mistakes",
        "test": "runs its examples",
        "build": "makes a wheel and a zip to share",
    }
    print("\nNext:", *(f"  mockllm pack {word} {folder}  # {what}" for word, what in lines.items()), sep="\n")
    return 0


@contextmanager
def opened(text: str) -> Iterator[tuple[str, str]]:
    """The folder of a pack that is named as a person does, and how it is shown: what is no folder is fetched for
    the while."""
    if os.path.isdir(text):
        if not is_pack(Path(text)):
            raise PackRejected(f"{text} is no pack: it holds no {MANIFEST}")
        yield text, text
        return
    found = fetch_pack(parse_pack_source(text, Path.cwd()), Path.cwd())
    with tempfile.TemporaryDirectory(prefix="mockllm-pack-") as name:
        folder = Path(name) / found.word.name.replace("/", "-")
        put_tree(found.tree, folder)
        yield str(folder), found.place.text


def gathered_of(folder: str, shown: str) -> LoadedScenarios:
    """What is in a pack, as it loads without any settings."""
    gathered = load_scenarios(ScenarioSources((folder,), vocabulary=vocabulary()))
    return replace(gathered, mistakes=with_shown_path(gathered.mistakes, folder, shown))


def _check(folder: str, shown: str, json: bool) -> int:
    tree = read_tree(Path(folder))
    parse_version_of(manifest(tree, os.path.join(shown, MANIFEST)))
    gathered = gathered_of(folder, shown)
    warnings = with_shown_path(catalog_lint.warnings(gathered), folder, shown)
    own = next((pack for pack in gathered.loading.packs if _is(pack.folder, folder)), None)
    told = None if own is None else capabilities(gathered, own)
    if json:
        print(pretty(_report(gathered, told, tree.sha256, [as_json(each) for each in warnings])).decode())
        return 1 if gathered.mistakes else 0
    for mistake in sorted(gathered.mistakes):
        print(mistake)
    for warning in warnings:
        print(f"warning: {warning}")
    print(checked(gathered, warnings))
    if told is not None and not gathered.mistakes:
        print("\n".join(described(told)))
        print(f"  {'SHA-256':<11} {tree.sha256}")
    return 1 if gathered.mistakes else 0


def _is(folder: str, other: str) -> bool:
    return os.path.realpath(folder) == os.path.realpath(other)


def _report(gathered: LoadedScenarios, told: Capabilities | None, digest: str, warnings: list[Json]) -> Json:
    mistakes: Json = [as_json(each) for each in gathered.mistakes]
    could: Json = None if told is None else told.as_json()
    return {
        "ok": not gathered.mistakes,
        "sha256": digest,
        "could": could,
        "mistakes": mistakes,
        "warnings": warnings,
    }


def described(told: Capabilities) -> list[str]:
    """What a pack could do to you, in lines."""
    answers = (
        f"{told.rules} rule{'s' * (told.rules != 1)}, {told.modifiers} modifier{'s' * (told.modifiers != 1)}"
    )
    steers = f"; its modifiers set {', '.join(told.steers)} of whatever answers" if told.steers else ""
    lines = {
        "answers": answers + steers,
        "errors": ", ".join(told.errors) or "none",
        "faults": ", ".join(told.faults) or "none",
        "open ports": "none",
        "proxy": f"forwards requests to {', '.join(told.proxy)}" if told.proxy else "none",
        "redirects": f"redirects clients to {', '.join(told.redirects)}" if told.redirects else "none",
        "reads": ", ".join(told.reads) or "no file beside its scenarios",
        "environment": ", ".join(told.environment) or "no variable",
        "uses": ", ".join(told.uses) or "no other pack",
    }
    return [
        f"{told.name} {told.version}:",
        *(readable(f"  {word:<11} {what}") for word, what in lines.items()),
    ]


def _test(folder: str, shown: str, given: argparse.Namespace) -> int:
    lock = lock_path([folder])
    if not given.frozen:
        fetch_missing(lock)
    wanted = ScenarioSources((folder,), vocabulary=vocabulary(), lock=lock, frozen=given.frozen)
    base = load_scenarios(wanted)
    if base.mistakes:
        list_mistakes(with_shown_path(base.mistakes, folder, shown), sys.stderr)
        return 1
    name = next(pack.word.name for pack in base.loading.packs if _is(pack.folder, folder))
    coverage = Coverage.of(base, name)
    results = []
    for result in Suite(wanted, coverage.note).run():
        results.append(result)
        where = result.where.replace(folder, shown, 1)  # an archive's folder is there for the while only
        show(replace(result, where=where), colour=coloured())
    print(tested(results, ""))
    for spot in coverage.missed:
        print(f"not reached: {spot}")
    print(f"{coverage.share:.0%} of {len(coverage.spots)} rules, steps and modifiers reached")
    short = coverage.share < given.min_coverage
    if short:
        print(f"less than the {given.min_coverage:.0%} that is asked for", file=sys.stderr)
    return 1 if short or not all(result.passed for result in results) else 0
