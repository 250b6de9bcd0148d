"""`mockllm pack add`, `remove`, `update`, `list`, `info` and `vendor`: for users of packs."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from mockllm.cli.pack_author import describe, load_pack, open_pack
from mockllm.cli.sources import FOLDER, vocabulary
from mockllm.core.json.codec import Json, pretty
from mockllm.core.redaction import without_passwords
from mockllm.packing.inspection import capabilities
from mockllm.packing.lockfile_editor import LockChange, LockfileEditor, state_of, version_constraints
from mockllm.scenario.diagnostics import readable, scalar_text
from mockllm.scenario.lockfile import LOCK_FILE, NAME, lock_path, read_lock
from mockllm.scenario.pack_files import PackRejected
from mockllm.scenario.pack_params import ParamSpec
from mockllm.scenario.pack_resolver import PackResolver, bundled_names, bundled_pack, installed_packs


def run(args: argparse.Namespace) -> int:
    """Run one of the commands. Return its exit code."""
    scenarios = [each for each in args.scenarios or [FOLDER] if args.scenarios or os.path.isdir(each)]
    lock = lock_path(scenarios)
    if args.doing == "list":
        return _list(lock, args.json)
    if args.doing == "info":
        return _info(lock, args.pack, args.json)
    locking = LockfileEditor(lock, version_constraints(scenarios, (), lock), vocabulary())
    if args.doing == "vendor":
        for name, folder in locking.vendor():
            print(f"{name} is in {os.path.relpath(folder)}")
        return 0
    if args.doing == "add" and not args.sources:
        return _fetch(locking)
    words = args.sources if args.doing == "add" else args.names
    words = words or sorted(locking.lock.packs)
    if not words:
        print(f"{LOCK_FILE} is empty")
        return 0
    act = {"add": locking.add, "remove": locking.remove, "update": locking.update}[args.doing]
    return _each(words, act)


def _each(words: list[str], act: Callable[[str], LockChange]) -> int:
    """Apply the action to each word. A refusal does not stop the rest."""
    failed = False
    for word in words:
        try:
            print(_change_line(act(word)))
        except PackRejected as error:
            failed = True
            print(f"mockllm: {without_passwords(word)}: {error}", file=sys.stderr)
    return 1 if failed else 0


def _change_line(change: LockChange) -> str:
    name, before, now = change.name, change.before, change.now
    if now is None:
        return f"removed {name} {before}"
    if before is None:
        line = f"added {name} {now} from {change.source}\n  use: [{name}@^{now}]"
    elif before == now:
        line = f"{name} {now} stays" + (f", now from {change.source}" if change.moved else "")
    else:
        line = f"{name} {before} -> {now} from {change.source}"
    return line + "".join(
        f"\n  {readable(each)}" for each in (*change.uses, *(f"it {each}" for each in change.leads))
    )


def _fetch(locking: LockfileEditor) -> int:
    missing = locking.missing()
    for change in locking.fetch(missing):
        print(f"fetched {change.name} {change.now} from {change.source}")
    changed = [name for name in locking.lock.packs if state_of(locking.lock, name) == "changed"]
    for name in changed:
        folder = os.path.relpath(locking.lock.vendored_path(name))
        print(f"mockllm: {folder} has changed; `mockllm pack vendor` restores its files", file=sys.stderr)
    if not missing and not changed:
        print(
            f"all packs of {LOCK_FILE} are present: {', '.join(sorted(locking.lock.packs))}"
            if locking.lock.packs
            else f"{LOCK_FILE} is empty"
        )
    return 1 if changed else 0


def _list(path: str, json: bool) -> int:
    rows = list(_rows(path))
    if json:
        print(pretty(rows).decode())
        return 0
    width = [max(len(str(row[key])) for row in rows) for key in ("name", "version", "state")]
    for row in rows:
        cells = [
            f"{row[key]!s:<{wide}}" for key, wide in zip(("name", "version", "state"), width, strict=True)
        ]
        print("  ".join([*cells, str(row["source"])]).rstrip())
    return 1 if any(row["state"] in ("missing", "changed") for row in rows) else 0


def _rows(path: str) -> Iterator[dict[str, Json]]:
    lock = read_lock(path)
    if lock.diagnostics:
        raise PackRejected("\n".join(map(str, lock.diagnostics)))
    for name, word in sorted(lock.packs.items()):
        yield {
            "name": name,
            "version": word.version,
            "state": state_of(lock, name),
            "source": without_passwords(word.source),
        }
    for name in bundled_names():
        if name not in lock.packs:
            yield {"name": name, "version": _version(bundled_pack(name)), "state": "shipped", "source": ""}
    for name, folder in sorted(installed_packs().items()):
        if name not in lock.packs and name not in bundled_names():
            yield {"name": name, "version": _version(folder), "state": "installed", "source": str(folder)}


def _version(folder: Path | None) -> str:
    from mockllm.packing.fetch import manifest
    from mockllm.scenario.pack_files import read_tree

    try:
        return manifest(read_tree(folder)).version if folder is not None else "?"
    except (PackRejected, OSError):
        return "?"


def _info(path: str, text: str, json: bool) -> int:
    source = _source(path, text)
    locked = read_lock(path).packs.get(text.partition("@")[0]) if source != text else None
    with open_pack(source) as (folder, shown):
        gathered = load_pack(folder, shown)
        found = [pack for pack in gathered.loading.packs if os.path.samefile(pack.folder, folder)]
        if not found:
            raise PackRejected("\n".join(map(str, gathered.diagnostics)))
        word, powers = found[0].manifest, capabilities(gathered, found[0])
    if locked is not None:
        shown = without_passwords(locked.source)
    params: list[Json] = [
        {
            "name": name,
            "type": param.type,
            "default": param.default,
            "env": param.env,
            "is": param.description,
        }
        for name, param in word.params.items()
    ]
    if json:
        print(
            pretty(
                {"description": word.description, "source": shown, "params": params, **powers.as_json()}
            ).decode()
        )
        return 0
    first, *lines = describe(powers)
    print(readable(first.removesuffix(":") + (f": {word.description}" if word.description else "")))
    print(*lines, sep="\n")
    print(readable(f"  {'license':<11} {word.license or 'none'}\n  {'from':<11} {shown}"))
    for name, param in word.params.items():
        print(readable(f"  --set {name}=  {_parameter(param)}"))
    return 0


def _parameter(param: ParamSpec) -> str:
    """Return the description, type and default of a parameter, in YAML syntax."""
    kind = param.type if isinstance(param.type, str) else " | ".join(map(scalar_text, param.type))
    default = "unset" if param.default is None else f"default {scalar_text(param.default)}"
    names = [param.env] if isinstance(param.env, str) else param.env or ()
    by = f", or by {' or '.join(names)}" if names else ""
    return " ".join(filter(None, (param.description, f"({kind}, {default}{by})")))


def _source(path: str, text: str) -> str:
    """Return the folder of a pack for its name, and any other text unchanged."""
    name = text.partition("@")[0]
    if re.fullmatch(NAME, name) and not os.path.isdir(text):
        try:
            return str(PackResolver.for_lock(path).find(name).folder)
        except ValueError as error:
            if name in read_lock(path).packs:
                raise PackRejected(str(error)) from None
    return text
