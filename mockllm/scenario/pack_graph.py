"""Which packs are used: `use` in root files and manifests, followed depth first, each pack once.

Apart from loading their files, because the order of packs and what was said about them (`with`, `only`,
`except`) must be known of all before the parameters of any can be settled.
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
from mockllm.scenario.language.use import UseSpec
from mockllm.scenario.manifest import PackSpec, ParamSettings, WithValues, read_manifest, settle_params
from mockllm.scenario.pack_params import Params
from mockllm.scenario.pack_resolver import Origin, PackNotFound, PackResolver
from mockllm.scenario.scenario_folder import MANIFEST, is_pack, within
from mockllm.scenario.source_file import NOTHING, Source
from mockllm.scenario.substitution import filled
from mockllm.scenario.validation_errors import diagnostics_of
from mockllm.scenario.version_ranges import Range, parse_range, parse_version

_USES: Final[TypeAdapter[list[str | UseSpec]]] = TypeAdapter(
    list[str | UseSpec], config=ConfigDict(defer_build=True)
)


class Use(Struct, frozen=True):
    """One entry of a `use`: the pack's name, what is said about it, and where that stands."""

    name: str
    range: str | None
    with_: Mapping[str, Json]
    only: tuple[str, ...] | None
    except_: tuple[str, ...] | None
    source: Source
    path: Path


class UsedPack(Struct, frozen=True):
    """A pack in its place. `shown` is its folder as a person knows it; `use` is the entry whose `only` and
    `except` hold for it."""

    folder: str
    shown: str
    source: Source
    word: PackSpec
    params: Params
    use: Use | None
    origin: Origin = "folder"

    @property
    def path(self) -> str:
        """Where its manifest is."""
        return os.path.join(self.folder, MANIFEST)


class _Found(Struct):
    """A pack that was met, before its parameters are settled."""

    folder: Folder
    shown: str
    source: Source
    word: PackSpec
    origin: Origin
    said: list[tuple[Use, _Found | None]] = field(default_factory=list)
    """Each entry that says something about it, and the pack in which it stands."""
    wanted: list[tuple[Range, Use]] = field(default_factory=list)
    """The ranges of versions that were asked for, and where."""
    params: Params | None = None


class PackGraph(Struct):
    """Packs in the order in which they are met. `read` gives the source of a path, or None where it cannot be
    read (and has told so); `keeps` says whether a folder that is gone, shown as this, stands as it was the last
    time. Mistakes gather in `mistakes`."""

    read: Callable[[str, str], Source | None]
    settings: ParamSettings
    keeps: Callable[[str, str], bool]
    shelf: PackResolver
    mistakes: list[Diagnostic] = field(default_factory=list)
    _found: dict[str, _Found | None] = field(default_factory=dict)

    def add_folder(self, folder: Folder, shown: str) -> None:
        """A pack that stands on its own: a folder named on the command line."""
        self._meet(folder, shown)

    def add_named(self, given: str) -> None:
        """A pack named on the command line, as NAME or NAME@RANGE."""
        name, _, _ = given.partition("@")
        source = replace(NOTHING, name=f"--pack {given}", data={"use": [given]})
        use = _use(given, source, ("use", 0))
        try:
            folder, origin = self.shelf.find(name)
            found = self._meet(folder, _shown(folder), origin)
            if found is not None:
                self._fits(found, use)
        except ValueError as error:
            message = f"there is no such pack{error.hint}" if isinstance(error, PackNotFound) else str(error)
            self.mistakes.append(Diagnostic(source.name, 0, 0, "", message))

    def add_uses(self, source: Source, folder: Folder, shown: str) -> None:
        """What a root file uses; paths are relative to `folder`."""
        for use in self._entries(source):
            self._follow(use, folder, shown, None)

    def settle(self) -> list[UsedPack]:
        """The packs in their order, with their parameters."""
        return [
            UsedPack(
                folder=str(each.folder),
                shown=each.shown,
                source=each.source,
                word=each.word,
                params=self._params(each),
                use=self._chosen(each),
                origin=each.origin,
            )
            for each in self._found.values()
            if each is not None
        ]

    # --- following ---

    def _entries(self, source: Source) -> list[Use]:
        data = source.data.get("use") if isinstance(source.data, dict) else None
        if data is None:
            return []
        try:
            words = _USES.validate_python(data)
        except ValidationError as error:
            self.mistakes += diagnostics_of(error, source, ("use",), _USES)
            return []
        return [_use(word, source, ("use", i)) for i, word in enumerate(words)]

    def _follow(self, use: Use, folder: Folder, shown: str, user: _Found | None) -> None:
        try:
            place, place_shown, origin = self._locate(use.name, folder, shown, user)
            found = self._meet(place, place_shown, origin)
            if found is not None:
                self._fits(found, use)
        except ValueError as error:
            path = use.path if isinstance(use.source.data["use"][use.path[-1]], str) else (*use.path, "pack")
            self.mistakes.append(use.source.mistake(path, str(error)))
            return
        if found is not None and (use.with_ or use.only is not None or use.except_ is not None):
            found.said.append((use, user))

    def _fits(self, found: _Found, use: Use) -> None:
        """Whether it is called as it is used, and its version is one that is asked for; ValueError where not."""
        if found.origin in ("locked", "installed") and _named(use) not in ("", found.word.name):
            raise ValueError(
                f'the pack that is {found.origin} as "{use.name}" calls itself "{found.word.name}"'
            )
        if use.range is None:
            return
        wanted = parse_range(use.range)
        if not wanted.holds(parse_version(found.word.version)):
            here = f"the pack {found.word.name} is {found.word.version}, and {wanted} is asked for"
            others = [each for each in found.wanted if each[0].text != wanted.text]
            if others:
                other, there = others[0]
                line, column = there.source.where(there.path)
                raise ValueError(
                    f"{here} here, {other} in {there.source.name}:{line}:{column}; none fits both"
                )
            hint = f"; try `mockllm pack update {found.word.name}`" if found.origin == "locked" else ""
            raise ValueError(here + hint)
        found.wanted.append((wanted, use))

    def _locate(
        self, name: str, folder: Folder, shown: str, user: _Found | None
    ) -> tuple[Folder, str, Origin]:
        """The folder of a pack used from `folder`, and how it is shown; ValueError where there is none."""
        if not name.startswith("."):
            try:
                found, origin = self.shelf.find(name)
            except PackNotFound:
                if is_pack(folder / name):
                    hint = f'write "./{name}" for the folder beside this file'
                    raise ValueError(f'there is no pack "{name}"; {hint}') from None
                raise
            return found, _shown(found), origin
        place, place_shown = (
            Folder(os.path.normpath(folder / name)),
            os.path.normpath(os.path.join(shown, name)),
        )
        if user is not None and not within(os.path.realpath(place), os.path.realpath(user.folder)):
            raise ValueError(
                f'"{name}" lies outside of the pack; a pack uses shipped packs and folders inside it'
            )
        if not place.is_dir():
            if not self.keeps(str(place), place_shown):
                raise ValueError(f'there is no folder "{name}" beside this file')
        elif not is_pack(place):
            raise ValueError(f'the folder "{name}" is no pack: it holds no {MANIFEST}')
        return place, place_shown, user.origin if user is not None else "folder"

    def _meet(self, folder: Folder, shown: str, origin: Origin = "folder") -> _Found | None:
        """The pack in a folder; when it is met for the first time, all that it uses is met behind it."""
        real = os.path.realpath(folder)
        if real in self._found:
            return self._found[real]
        self._found[real] = None
        source = self.read(str(folder / MANIFEST), os.path.join(shown, MANIFEST))
        if source is None:
            return None
        word, mistakes = read_manifest(source)
        self.mistakes += mistakes
        if word is None:
            return None
        for other in self._found.values():
            if other is not None and other.word.name == word.name:
                message = f'the pack in {other.shown} has the same name: "{word.name}"'
                self.mistakes.append(source.mistake(("name",), message))
                return None
        found = self._found[real] = _Found(folder, shown, source, word, origin)
        for i, entry in enumerate(word.use):
            self._follow(_use(entry, source, ("use", i)), folder, shown, found)
        return found

    # --- settling ---

    def _params(self, found: _Found) -> Params:
        if found.params is None:
            found.params, _ = settle_params(found.word, None, self.settings)  # for packs that use each other
            given = self._given(found)
            found.params, mistakes = settle_params(found.word, given, self.settings)
            self.mistakes += mistakes
        return found.params

    def _given(self, found: _Found) -> WithValues | None:
        """The one `with` of a pack."""
        first: WithValues | None = None
        for use, user in found.said:
            if not use.with_:
                continue
            path = (*use.path, "with")
            params = {} if user is None else self._params(user).values
            values, mistakes = filled(use.source, path, params, None if user is None else user.word.name)
            self.mistakes += mistakes
            if first is None:
                first = WithValues(values, use.source, path)
            elif values != first.values:
                self._differs(found, use, "with", first.source, first.path)
        return first

    def _chosen(self, found: _Found) -> Use | None:
        first: Use | None = None
        for use, _ in found.said:
            if use.only is None and use.except_ is None:
                continue
            if first is None:
                first = use
            elif (use.only, use.except_) != (first.only, first.except_):
                word = "only" if use.only is not None else "except"
                self._differs(found, use, word, first.source, first.path)
        return first

    def _differs(self, found: _Found, use: Use, word: str, first: Source, path: Path) -> None:
        line, column = first.where(path)
        message = (
            f"the pack {found.word.name} is loaded once, and {first.name}:{line}:{column} says otherwise; "
            f"keep one of the two"
        )
        self.mistakes.append(use.source.mistake((*use.path, word), message, key=True))


def _named(use: Use) -> str:
    """The name by which a pack is used; empty where it is used by its folder."""
    return "" if use.name.startswith(".") else use.name


def _use(word: str | UseSpec, source: Source, path: Path) -> Use:
    given = word if isinstance(word, str) else word.pack
    name, _, wanted = (given, "", "") if given.startswith(".") else given.partition("@")
    if isinstance(word, str):
        return Use(name, wanted or None, {}, None, None, source, path)
    only = None if word.only is None else tuple(word.only)
    except_ = None if word.except_ is None else tuple(word.except_)
    return Use(name, wanted or None, word.with_, only, except_, source, path)


def _shown(folder: Folder) -> str:
    """A folder as a person would open it from here."""
    here = os.getcwd()
    return os.path.relpath(folder, here) if within(str(folder), here) else str(folder)
