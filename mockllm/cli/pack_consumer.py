"""`mockllm pack add`, `remove`, `update`, `outdated`, `search`, `list`, `info` and `vendor`: for users of packs."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from mockllm.cli.pack_author import describe, load_pack, open_pack
from mockllm.cli.sources import FOLDER, known_names
from mockllm.core.json.codec import Json, pretty
from mockllm.core.url_secrets import without_passwords
from mockllm.packing.changed_sources import changed_sources
from mockllm.packing.inspection import capabilities
from mockllm.packing.locked_pack_state import state_of
from mockllm.packing.lockfile_editor import LockChange, LockfileEditor
from mockllm.packing.pack_index import PackIndex, read_index
from mockllm.packing.resolution import Requirement
from mockllm.packing.version_constraints import (
    VersionConstraint,
    raise_range,
    uses_in_files,
    version_constraints,
)
from mockllm.scenario.diagnostics import readable_line, scalar_text
from mockllm.scenario.lockfile import LOCK_FILE, NAME, lock_path, read_lock
from mockllm.scenario.pack_files import PackRejected
from mockllm.scenario.pack_params import ParamSpec
from mockllm.scenario.pack_resolver import PackResolver, bundled_names, bundled_pack, installed_packs
from mockllm.scenario.version_ranges import parse_version

COMMIT_LENGTH: Final = 12
"""Characters of a commit that are shown."""


def run(args: argparse.Namespace) -> int:
    """Run one of the commands. Return its exit code."""
    scenarios = [each for each in args.scenarios or [FOLDER] if args.scenarios or os.path.isdir(each)]
    lock = lock_path(scenarios)
    if args.doing == "list":
        return _list(lock, args.json)
    if args.doing == "info":
        return _info(lock, args.pack, args.json)
    index = read_index(args.index, Path.cwd()) if getattr(args, "index", None) else None
    if args.doing == "search":
        return _search(index, args.words, args.json)
    constraints = version_constraints(scenarios, (), lock)
    locking = LockfileEditor(lock, constraints, known_names(), index)
    if args.doing == "outdated":
        return _outdated(locking, args.json)
    if args.doing == "vendor":
        if not locking.lock.packs:
            print(_no_packs(lock))
        for name, folder in locking.vendor():
            print(f"{name} is in {os.path.relpath(folder)}")
        return 0
    if args.doing == "add":
        return (
            _add(locking, args.sources, dev=args.dev, signed=args.signed) if args.sources else _fetch(locking)
        )
    words = args.names or sorted(locking.lock.packs)
    if not words:
        print(_no_packs(lock))
        return 0
    if args.doing == "remove":
        uses = uses_in_files(scenarios, lock)
        return _each(words, lambda name: [locking.remove(name)]) | _print_uses(words, uses, locking)
    return _update(locking, words, constraints if args.major else None)


def _no_packs(lock: str) -> str:
    """Return that the lock has no packs."""
    return f"{LOCK_FILE} is empty" if os.path.exists(lock) else f"there is no {LOCK_FILE}"


def _print_uses(names: Sequence[str], uses: Mapping[str, Sequence[str]], locking: LockfileEditor) -> int:
    """Print where the user's files still use packs that were removed. Return 0: they were."""
    for name in names:
        for where in uses.get(name, ()) if name not in locking.lock.packs else ():
            print(f"mockllm: {where} still uses {name}", file=sys.stderr)
    return 0


def _add(locking: LockfileEditor, sources: Sequence[str], *, dev: bool, signed: bool) -> int:
    """Lock the packs of all sources together. A source that is refused does not stop the rest."""
    roots: list[Requirement] = []
    failed = False
    for source in sources:
        try:
            root = locking.root(source, dev=dev)
        except PackRejected as error:
            failed = True
            print(f"mockllm: {without_passwords(source)}: {error}", file=sys.stderr)
            continue
        if any(root.name == each.name for each in roots):  # the later source replaces the earlier one
            _print_changes(locking.add(roots, signed=signed))
            roots = []
        roots.append(root)
    _print_changes(locking.add(roots, signed=signed))
    return 1 if failed else 0


def _update(
    locking: LockfileEditor,
    names: Sequence[str],
    raised: Mapping[str, Sequence[VersionConstraint]] | None,
) -> int:
    """Update packs together. `raised`: the ranges to raise by `--major`. A source that is refused does not stop the
    rest."""
    changes, refused = locking.update(names, major=raised is not None)
    _print_changes(changes)
    if raised is not None:
        for name in names:
            _raise_ranges(name, changes, raised.get(name, ()))
        _print_held_back(locking, names, raised)
    for name, error in refused.items():
        print(f"mockllm: {without_passwords(name)}: {error}", file=sys.stderr)
    return 1 if refused else 0


def _print_held_back(
    locking: LockfileEditor, names: Sequence[str], ranges: Mapping[str, Sequence[VersionConstraint]]
) -> None:
    """Print which ranges of other packs exclude the newest version of an updated one."""
    for name, locked, _, newest in locking.outdated():
        if name not in names or newest is None or newest <= parse_version(locked.version):
            continue
        for each in ranges.get(name, ()):
            if each.pack is not None and not each.range.matches(newest):
                says = f"{name} {newest} is newer, but {each.where} requires {each.range}"
                print(f"mockllm: {says}", file=sys.stderr)


def _raise_ranges(name: str, changes: Sequence[LockChange], constraints: Sequence[VersionConstraint]) -> None:
    """Raise the ranges of a pack in the user's files that do not admit its new version."""
    version = next((change.now for change in changes if change.name == name), None)
    for constraint in constraints:
        if version is None or constraint.pack is not None or constraint.range.matches(parse_version(version)):
            continue
        raised = raise_range(name, constraint, version)
        print(
            f"{constraint.where}: {name}@{constraint.range} is now {name}@^{version}"
            if raised
            else f"mockllm: {constraint.where} requires {constraint.range}; change it to ^{version}"
        )


def _each(words: Sequence[str], act: Callable[[str], Sequence[LockChange]]) -> int:
    """Apply the action to each word. A refusal does not stop the rest."""
    failed = False
    for word in words:
        try:
            _print_changes(act(word))
        except PackRejected as error:
            failed = True
            print(f"mockllm: {without_passwords(word)}: {error}", file=sys.stderr)
    return 1 if failed else 0


def _print_changes(changes: Sequence[LockChange]) -> None:
    for change in changes:
        print(_change_line(change))


def _change_line(change: LockChange) -> str:
    name, before, now = change.name, change.before, change.now
    if now is None:
        return f"removed {name} {before}"
    if before is None:
        line = f"added {name} {now} from {change.source}\n  use: [{name}@^{now}]"
    elif before == now:
        stays = "has new files" if change.changed else "stays"
        line = f"{name} {now} {stays}" + (f", now from {change.source}" if change.moved else "")
        line += f": {change.held_back}" if change.held_back else ""
    else:
        line = f"{name} {before} -> {now} from {change.source}"
    if change.signature is not None:
        by = change.signature.signer
        line += f"\n  signed by {by}" if by else f"\n  signed, but not checked: {change.signature.flaw}"
    tag = _other_version(change.source, now)
    if tag is not None and before != now:
        line += f"\n  its tag is {tag}, but its pack.yaml says {now}: `mockllm pack outdated` goes by the tag"
    return line + "".join(
        f"\n  {readable_line(each)}" for each in (*change.uses, *(f"it {each}" for each in change.leads))
    )


def _other_version(source: str, version: str) -> str | None:
    """Return the tag of a source that names another version."""
    tag = source.rpartition("@")[2].partition("#")[0]
    try:
        return tag if parse_version(tag) != parse_version(version) else None
    except ValueError:
        return None


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
            else f"{_no_packs(locking.lock.path)}; `mockllm pack add SOURCE` adds a pack"
        )
    return 1 if changed else 0


def _search(index: PackIndex | None, words: Sequence[str], json: bool) -> int:
    """Print the packs of the index with all words. Return 1 if there is none."""
    if index is None:
        raise PackRejected("which index? name it with --index FILE|URL, or MOCKLLM_PACK_INDEX")
    rows: list[dict[str, Json]] = []
    for name in index.search(words):
        pack = index.packs[name]
        versions = sorted(pack.versions, key=parse_version)
        row: dict[str, Json] = {
            "name": name,
            "newest": versions[-1] if versions else "-",
            "versions": [*versions],
        }
        rows.append(row | {"description": pack.description or "", "source": without_passwords(pack.source)})
    if json:
        print(pretty([*rows]).decode())
    else:
        _table(rows, ("name", "newest", "description"))
        if not rows:
            print(f"no pack of {index.shown} has the words {' '.join(words)}")
    return 0 if rows else 1


def _outdated(locking: LockfileEditor, json: bool) -> int:
    """Print the packs with a newer version, or with other files under the same one. Return 1 if there is one."""
    rows: list[dict[str, Json]] = []
    for name, locked, fits, newest in locking.outdated():
        if locked.branch is None and newest is not None and newest > parse_version(locked.version):
            row: dict[str, Json] = {
                "name": name,
                "locked": locked.version,
                "fits": str(fits) if fits else "-",
            }
            rows.append(row | {"newest": str(newest), "source": without_passwords(locked.source)})
        elif newest is None and locked.branch is None:
            unknown = f"the versions of {without_passwords(locked.source)} are unknown"
            reason = locking.unread.get(name, "it has no versions")
            print(f"mockllm: {name}: {unknown}: {reason}", file=sys.stderr)
    rows += _moved_branches(locking)
    changed = list(_changed_rows(locking))
    if json:
        print(pretty([*rows, *changed]).decode())
        return 1 if rows or changed else 0
    for row in changed:
        print(
            f"{row['name']} {row['locked']}: {row['source']} has other files under the same version "
            f"({row['changed']}); `mockllm pack update` refuses them"
        )
    if rows:
        titles: dict[str, Json] = {key: key for key in ("name", "locked", "fits", "newest", "source")}
        _table([titles, *rows], ("name", "locked", "fits", "newest", "source"))
        print("`mockllm pack update` takes what fits, `mockllm pack update --major` the newest")
    elif not changed:
        known = " whose versions are known" if locking.unread else ""
        print(f"all packs{known} are up to date")
    return 1 if rows or changed else 0


def _changed_rows(locking: LockfileEditor) -> Iterator[dict[str, Json]]:
    """Yield a row for each locked pack whose source has other files under the same version."""
    for name, locked, what in changed_sources(locking.lock):
        source, version = without_passwords(locked.source), locked.version
        row: dict[str, Json] = {"name": name, "locked": version, "fits": "-", "newest": version}
        yield row | {"source": source, "changed": what}


def _moved_branches(locking: LockfileEditor) -> Iterator[dict[str, Json]]:
    """Yield a row for each locked branch with a newer commit. Print which branches cannot be read."""
    for name, locked in sorted(locking.lock.packs.items()):
        commit, source = locking.newest_commit(name), without_passwords(locked.source)
        if commit is None and locked.branch is not None:
            unknown = f"the newest commit of {source} is unknown: {locking.unread[name]}"
            print(f"mockllm: {name}: {unknown}", file=sys.stderr)
        elif commit is not None and commit != locked.commit:
            before, now = (locked.commit or "-")[:COMMIT_LENGTH], commit[:COMMIT_LENGTH]
            yield {"name": name, "locked": before, "fits": now, "newest": now, "source": source}


def _table(rows: Sequence[Mapping[str, Json]], columns: Sequence[str]) -> None:
    """Print rows with aligned columns."""
    *aligned, last = columns
    widths = [max((len(str(row[key])) for row in rows), default=0) for key in aligned]
    for row in rows:
        cells = [f"{row[key]!s:<{width}}" for key, width in zip(aligned, widths, strict=True)]
        print(readable_line("  ".join([*cells, str(row[last])]).rstrip()))


def _list(path: str, json: bool) -> int:
    rows = list(_rows(path))
    if json:
        print(pretty([*rows]).decode())
    else:
        _table(rows, ("name", "version", "state", "source"))
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
        found = [pack for pack in gathered.loaded.packs if os.path.samefile(pack.folder, folder)]
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
    print(readable_line(first.removesuffix(":") + (f": {word.description}" if word.description else "")))
    print(*lines, sep="\n")
    print(readable_line(f"  {'license':<11} {word.license or 'none'}"))
    print(readable_line(f"  {'from':<11} {shown}"))
    for name, param in word.params.items():
        print(readable_line(f"  --set {name}=  {_parameter(param)}"))
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
