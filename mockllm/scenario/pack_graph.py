"""The packs in use: `use` in root files and manifests, followed depth first, each pack once.

The order of all packs and their entries (`with`, `only`, `except`) must be known first. Only then can the parameters
of any pack be resolved.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path as Folder
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import ConfigDict, TypeAdapter, ValidationError

from mockllm.core.json.codec import Json
from mockllm.scenario.diagnostics import Diagnostic, Path
from mockllm.scenario.manifest import (
    PackSpec,
    ParamSettings,
    UseSpec,
    WithValues,
    read_manifest,
    resolve_params,
)
from mockllm.scenario.pack_params import Params
from mockllm.scenario.pack_resolver import Origin, PackNotFound, PackResolver
from mockllm.scenario.scenario_folder import MANIFEST, is_pack, within
from mockllm.scenario.source_file import EMPTY_SOURCE, Source
from mockllm.scenario.substitution import substitute_at
from mockllm.scenario.validation_errors import diagnostics_of
from mockllm.scenario.version_ranges import Range, parse_range, parse_version

_USE_LIST: Final[TypeAdapter[list[str | UseSpec]]] = TypeAdapter(
    list[str | UseSpec], config=ConfigDict(defer_build=True)
)


class Use(Struct, frozen=True):
    """One entry of a `use`: the pack's name, the settings for it, and the position of the entry."""

    name: str
    range: str | None
    with_: Mapping[str, Json]
    only: tuple[str, ...] | None
    except_: tuple[str, ...] | None
    source: Source
    path: Path


class UsedPack(Struct, frozen=True):
    """A pack in its place. `shown` is its folder as the user wrote it; `use` is the entry with its `only` and
    `except`."""

    folder: str
    shown: str
    source: Source
    manifest: PackSpec
    params: Params
    use: Use | None
    origin: Origin = "folder"

    @property
    def path(self) -> str:
        """The path of the manifest."""
        return os.path.join(self.folder, MANIFEST)


class _PackNode(Struct):
    """A pack that was visited, before its parameters are resolved."""

    folder: Folder
    shown: str
    source: Source
    manifest: PackSpec
    origin: Origin
    mentions: list[tuple[Use, _PackNode | None]] = field(default_factory=list)
    """Each entry with settings for the pack, and the pack that contains the entry."""
    ranges: list[tuple[Range, Use]] = field(default_factory=list)
    """The requested version ranges, and the entries that request them."""
    params: Params | None = None


class PackGraph(Struct):
    """Packs in the order of the first visit. `read` returns the source of a path, or None if it cannot be
    read (and has reported that). `keep_last` returns whether the last version of a missing folder, shown as
    this, stays in use. Errors are collected in `diagnostics`."""

    read: Callable[[str, str], Source | None]
    settings: ParamSettings
    keep_last: Callable[[str, str], bool]
    resolver: PackResolver
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _nodes: dict[str, _PackNode | None] = field(default_factory=dict)

    def add_folder(self, folder: Folder, shown: str) -> None:
        """Add a pack by its folder, named on the command line."""
        self._visit(folder, shown)

    def add_named(self, argument: str) -> None:
        """Add a pack named on the command line, as NAME or NAME@RANGE."""
        name, _, _ = argument.partition("@")
        source = replace(EMPTY_SOURCE, name=f"--pack {argument}", data={"use": [argument]})
        use = _parse_use(argument, source, ("use", 0))
        try:
            folder, origin = self.resolver.find(name)
            node = self._visit(folder, _display_path(folder), origin)
            if node is not None:
                self._check(node, use)
        except PackNotFound as error:
            as_scenarios = f"; it is a folder: name it as scenarios, `--scenarios {name}`"
            hint = as_scenarios if is_pack(Folder(name)) else error.hint
            self.diagnostics.append(Diagnostic(source.name, 0, 0, "", f"there is no such pack{hint}"))
        except ValueError as error:
            self.diagnostics.append(Diagnostic(source.name, 0, 0, "", str(error)))

    def add_uses(self, source: Source, folder: Folder, shown: str) -> None:
        """Add the packs that a root file uses; paths are relative to `folder`."""
        for use in self._entries(source):
            self._follow(use, folder, shown, None)

    def used_packs(self) -> list[UsedPack]:
        """Return the packs in their order, with their parameters."""
        return [
            UsedPack(
                folder=str(each.folder),
                shown=each.shown,
                source=each.source,
                manifest=each.manifest,
                params=self._params(each),
                use=self._selection(each),
                origin=each.origin,
            )
            for each in self._nodes.values()
            if each is not None
        ]

    def _entries(self, source: Source) -> list[Use]:
        data = source.data.get("use") if isinstance(source.data, dict) else None
        if data is None:
            return []
        try:
            parsed = _USE_LIST.validate_python(data)
        except ValidationError as error:
            self.diagnostics += diagnostics_of(error, source, ("use",), _USE_LIST)
            return []
        return [_parse_use(entry, source, ("use", i)) for i, entry in enumerate(parsed)]

    def _follow(self, use: Use, folder: Folder, shown: str, user: _PackNode | None) -> None:
        try:
            place, place_shown, origin = self._locate(use.name, folder, shown, user)
            node = self._visit(place, place_shown, origin)
            if node is not None:
                self._check(node, use)
        except ValueError as error:
            path = use.path if isinstance(use.source.data["use"][use.path[-1]], str) else (*use.path, "pack")
            self.diagnostics.append(use.source.diagnostic(path, str(error)))
            return
        if node is not None and (use.with_ or use.only is not None or use.except_ is not None):
            node.mentions.append((use, user))

    def _check(self, node: _PackNode, use: Use) -> None:
        """Check that the pack's name and version fit the entry. Raise ValueError if they do not."""
        by_name = node.origin in ("locked", "installed") and not use.name.startswith(".")
        if by_name and use.name != node.manifest.name:
            raise ValueError(
                f'the pack that is {node.origin} as "{use.name}" has the name "{node.manifest.name}"'
            )
        if use.range is None:
            return
        expected = parse_range(use.range)
        if not expected.matches(parse_version(node.manifest.version)):
            here = f"the pack {node.manifest.name} is {node.manifest.version}, and {expected} is required"
            others = [known for known in node.ranges if known[0].text != expected.text]
            if others:
                other, there = others[0]
                line, column = there.source.position(there.path)
                raise ValueError(
                    f"{here} here, {other} in {there.source.name}:{line}:{column}; no version fits both"
                )
            hint = f"; try `mockllm pack update {node.manifest.name}`" if node.origin == "locked" else ""
            raise ValueError(here + hint)
        node.ranges.append((expected, use))

    def _locate(
        self, name: str, folder: Folder, shown: str, user: _PackNode | None
    ) -> tuple[Folder, str, Origin]:
        """Return the folder of a pack used from `folder`, and how it is shown. Raise ValueError if it does
        not exist."""
        if not name.startswith("."):
            try:
                named_folder, origin = self.resolver.find(name)
            except PackNotFound:
                if is_pack(folder / name):
                    from_here = os.path.relpath(folder / name, folder)
                    written = from_here if from_here.startswith(os.pardir) else f"./{from_here}"
                    where = "path from this file" if os.path.isabs(name) else "folder beside this file"
                    hint = f'write "{written}" for the {where}'
                    raise ValueError(f'there is no pack "{name}"; {hint}') from None
                raise
            return named_folder, _display_path(named_folder), origin
        place = Folder(os.path.normpath(folder / name))
        place_shown = os.path.normpath(os.path.join(shown, name))
        if user is not None and not within(os.path.realpath(place), os.path.realpath(user.folder)):
            raise ValueError(
                f'"{name}" is outside of the pack; a pack uses shipped packs and folders inside it'
            )
        if not place.is_dir():
            if not self.keep_last(str(place), place_shown):
                raise ValueError(f'there is no folder "{name}" beside this file')
        elif not is_pack(place):
            raise ValueError(f'the folder "{name}" is not a pack: it contains no {MANIFEST}')
        return place, place_shown, user.origin if user is not None else "folder"

    def _visit(self, folder: Folder, shown: str, origin: Origin = "folder") -> _PackNode | None:
        """Return the pack in a folder. The first visit also visits all packs that it uses."""
        real = os.path.realpath(folder)
        if real in self._nodes:
            return self._nodes[real]
        self._nodes[real] = None
        source = self.read(str(folder / MANIFEST), os.path.join(shown, MANIFEST))
        if source is None:
            return None
        manifest, diagnostics = read_manifest(source)
        self.diagnostics += diagnostics
        if manifest is None:
            return None
        for other in self._nodes.values():
            if other is not None and other.manifest.name == manifest.name:
                message = f'the pack in {other.shown} has the same name: "{manifest.name}"'
                self.diagnostics.append(source.diagnostic(("name",), message))
                return None
        node = self._nodes[real] = _PackNode(folder, shown, source, manifest, origin)
        for i, entry in enumerate(manifest.use):
            self._follow(_parse_use(entry, source, ("use", i)), folder, shown, node)
        return node

    def _params(self, node: _PackNode) -> Params:
        if node.params is None:
            node.params, _ = resolve_params(
                node.manifest, None, self.settings
            )  # for packs that use each other
            node.params, diagnostics = resolve_params(node.manifest, self._with_values(node), self.settings)
            self.diagnostics += diagnostics
        return node.params

    def _with_values(self, node: _PackNode) -> WithValues | None:
        """Return the one `with` of a pack."""
        first: WithValues | None = None
        for use, user in node.mentions:
            if not use.with_:
                continue
            path = (*use.path, "with")
            params = {} if user is None else self._params(user).values
            values, diagnostics = substitute_at(
                use.source, path, params, None if user is None else user.manifest.name
            )
            self.diagnostics += diagnostics
            if first is None:
                first = WithValues(values, use.source, path)
            elif values != first.values:
                self._report_conflict(node, use, "with", first.source, first.path)
        return first

    def _selection(self, node: _PackNode) -> Use | None:
        first: Use | None = None
        for use, _ in node.mentions:
            if use.only is None and use.except_ is None:
                continue
            if first is None:
                first = use
            elif (use.only, use.except_) != (first.only, first.except_):
                key = "only" if use.only is not None else "except"
                self._report_conflict(node, use, key, first.source, first.path)
        return first

    def _report_conflict(self, node: _PackNode, use: Use, key: str, first: Source, path: Path) -> None:
        line, column = first.position(path)
        message = (
            f"the pack {node.manifest.name} is loaded once, and {first.name}:{line}:{column} sets another value; "
            f"remove one of the two"
        )
        self.diagnostics.append(use.source.diagnostic((*use.path, key), message, key=True))


def _parse_use(entry: str | UseSpec, source: Source, path: Path) -> Use:
    text = entry if isinstance(entry, str) else entry.pack
    name, _, range_text = (text, "", "") if text.startswith(".") else text.partition("@")
    if isinstance(entry, str):
        return Use(name, range_text or None, {}, None, None, source, path)
    only = None if entry.only is None else tuple(entry.only)
    except_ = None if entry.except_ is None else tuple(entry.except_)
    return Use(name, range_text or None, entry.with_, only, except_, source, path)


def _display_path(folder: Folder) -> str:
    """Return a folder's path relative to the working directory, if it is below it."""
    here = os.getcwd()
    return os.path.relpath(folder, here) if within(str(folder), here) else str(folder)
