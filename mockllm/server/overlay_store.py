"""The overlays: rules and modifiers that are added at run time, for all sessions or for one.

An overlay is written in the scenario language. A change is validated, compiled together with the files, and
activated completely or not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.overlay import OverlaidEntries, Overlay, overlay_entries, to_yaml
from mockllm.scenario.rule_ids import split_id
from mockllm.scenario.source_file import Source
from mockllm.scenario.yaml_reader import read_source

MAX_ITEMS: Final = 2_000
"""Most rules and modifiers in all overlays together."""
ItemKind: TypeAlias = Literal["rules", "modifiers"]
KINDS: Final[tuple[ItemKind, ...]] = ("rules", "modifiers")
Apply: TypeAlias = Callable[[Sequence[OverlaidEntries]], Awaitable[None]]
Compile: TypeAlias = Callable[[Sequence[OverlaidEntries]], Awaitable[Catalog]]
OverlaySettings: TypeAlias = Mapping[str, Sequence[Json]]


class OverlayRejected(Exception):
    """A rejected change; the overlays are unchanged."""

    def __init__(self, status: int, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(diagnostic.message for diagnostic in diagnostics))
        self.status = status
        self.diagnostics = diagnostics


class StoredOverlay(NamedTuple):
    """An overlay without the settings, and with them as a text and the entries of this text."""

    overlay: Overlay
    text: str
    entries: OverlaidEntries


class OverlayStore:
    """Stores all overlays. `apply` builds and activates an engine with them; it raises `Broken` if this fails.
    `compile` returns the catalog of such an engine and activates nothing."""

    def __init__(self, apply: Apply, known_names: KnownNames, compile: Compile) -> None:
        self._apply = apply
        self._compile = compile
        self._known_names = known_names
        self._stored: dict[str | None, StoredOverlay] = {}
        self.settings: OverlaySettings = {}
        """The modifiers of settings by endpoint; an empty name means all endpoints."""
        self._lock = asyncio.Lock()
        """Serialises changes, because each starts from the result of the one before."""

    def of(self, session: str | None) -> Overlay:
        """Return an overlay; the overlay for all sessions includes the settings."""
        overlay = self._own(session)
        return overlay if session is not None else _with_settings(overlay, self.settings)

    def text(self, session: str | None) -> str:
        """Return an overlay as a scenario file."""
        stored = self._stored.get(session)
        return Overlay(session=session).text if stored is None else stored.text

    def names(self, session: str | None) -> list[str]:
        """Return the names of an overlay's rules and modifiers, without those of settings."""
        return _names(self._own(session))

    @property
    def all(self) -> object:
        """A value that differs from an earlier one if anything has changed."""
        return {session: stored.overlay for session, stored in self._stored.items()}, self.settings

    @property
    def sizes(self) -> Mapping[str, int]:
        """The number of rules and modifiers in each session's overlay."""
        return {session: _size(self._stored[session].overlay) for session in self.sessions}

    @property
    def sessions(self) -> Sequence[str]:
        return [session for session in self._stored if session is not None]

    async def add(self, source: Source, session: str | None, *, is_file: bool = False) -> list[str]:
        """Add the items of a text before all others and return their names. A scenario file may have no items, and
        names that are taken. Raises OverlayRejected."""
        async with self._lock:
            items = await self._read(source, session, or_none=is_file)
            overlay = self._own(session)
            taken = set(_names(overlay))
            free = {kind: free_names(kind, taken) for kind in KINDS}
            names: list[str] = []
            added: dict[ItemKind, list[Json]] = {"rules": [], "modifiers": []}
            for kind, index, item in items:
                name = _name(item)
                if name in taken and is_file:
                    item = _with_free_name(item, taken)
                    name = _name(item)
                elif name in taken:
                    message = f'"{name}" is in the overlay already; PUT it to replace it'
                    raise OverlayRejected(409, source.diagnostic((kind, index, "name"), message))
                if name is None:
                    name = next(free[kind])
                    item = {"name": name, **item}
                taken.add(name)
                names.append(name)
                added[kind].append(item)
            rules, modifiers = (*added["rules"], *overlay.rules), (*added["modifiers"], *overlay.modifiers)
            await self._change(session, replace(overlay, rules=rules, modifiers=modifiers))
            return names

    async def put(self, name: str, source: Source, session: str | None) -> None:
        """Replace the rule or modifier of this name, or add it before all others. Raises OverlayRejected."""
        async with self._lock:
            kind, item = await self._read_item(name, source, session)
            overlay = self._own(session)
            listed: dict[ItemKind, tuple[Json, ...]] = {
                "rules": overlay.rules,
                "modifiers": overlay.modifiers,
            }
            old = listed[kind]
            if any(_name(other) == name for other in old):
                listed[kind] = tuple(item if _name(other) == name else other for other in old)
            else:
                listed = {key: _without(name, listed[key]) for key in KINDS}
                listed[kind] = (item, *listed[kind])
            await self._change(
                session, replace(overlay, rules=listed["rules"], modifiers=listed["modifiers"])
            )

    async def preview(
        self, source: Source, session: str | None, name: str | None
    ) -> tuple[Catalog, Sequence[str]]:
        """Return the catalog with the items of a text, and the ids of these items. They replace the item `name` and
        items of the same names. The overlay itself does not change. Raises OverlayRejected, and Broken from
        `compile`."""
        if name is None:
            items = [(kind, item) for kind, _, item in await self._read(source, session)]
        else:
            items = [await self._read_item(name, source, session)]
        overlay = self._own(session)
        replaced = {_name(item) for _, item in items} - {None}
        listed: dict[ItemKind, list[Json]] = {"rules": [], "modifiers": []}
        taken = set(_names(overlay))
        free = {kind: free_names(kind, taken) for kind in KINDS}
        for kind, item in items:
            own = _name(item) or next(free[kind])
            taken.add(own)
            listed[kind].append({**item, "name": own})
        names = [_name(item) for kind in KINDS for item in listed[kind]]
        rules = (*listed["rules"], *(item for item in overlay.rules if _name(item) not in replaced))
        modifiers = (
            *listed["modifiers"],
            *(item for item in overlay.modifiers if _name(item) not in replaced),
        )
        changed = replace(overlay, rules=rules, modifiers=modifiers)
        others = [self._stored[other] for other in self._stored if other != session]
        _require_room(sum(_size(other.overlay) for other in others) + _size(changed))
        complete = changed if session is not None else _with_settings(changed, self.settings)
        _, entries = await asyncio.to_thread(_written, complete, self._known_names)
        if entries.diagnostics:
            raise OverlayRejected(422, *entries.diagnostics)
        rest = [other.entries for other in others]
        catalog = await self._compile([entries, *rest] if session is None else [*rest, entries])
        return catalog, [entry.id for entry in entries.entries if split_id(entry.id)[1] in names]

    def item_text(self, name: str, session: str | None) -> str | None:
        """Return one rule or modifier of an overlay as YAML, without its list; None if there is none."""
        overlay = self.of(session)
        found = (item for item in (*overlay.rules, *overlay.modifiers) if _name(item) == name)
        item = next(found, None)
        return None if item is None else to_yaml(item)

    async def remove(self, name: str, session: str | None) -> bool:
        """Remove a rule or modifier; return whether it existed."""
        async with self._lock:
            overlay = self._own(session)
            if name not in _names(overlay):
                return False
            rules, modifiers = _without(name, overlay.rules), _without(name, overlay.modifiers)
            await self._change(session, replace(overlay, rules=rules, modifiers=modifiers))
            return True

    async def configure(self, settings: OverlaySettings) -> None:
        """Replace the modifiers of all settings. Raises OverlayRejected."""
        async with self._lock:
            used = {endpoint: items for endpoint, items in settings.items() if items}
            await self._change(None, self._own(None), used)

    async def clear(self, session: str | None = None, *, all: bool = False) -> None:
        """Clear one overlay, or all overlays and the settings."""
        async with self._lock:
            if all:
                await self._activate({})
                self.settings = {}
            elif session in self._stored:
                await self._change(session, Overlay(session=session))

    async def drop(self, sessions: Collection[str]) -> None:
        """Remove the overlays of ended sessions."""
        async with self._lock:
            left = {session: stored for session, stored in self._stored.items() if session not in sessions}
            if len(left) < len(self._stored):
                await self._activate(left)

    def _own(self, session: str | None) -> Overlay:
        """Return an overlay without the settings."""
        stored = self._stored.get(session)
        return Overlay(session=session) if stored is None else stored.overlay

    async def _read(
        self, source: Source, session: str | None, *, or_none: bool = False
    ) -> list[tuple[ItemKind, int, dict[str, Json]]]:
        """Return the items of a text with their kind and index."""
        data = source.data
        if isinstance(data, dict):
            listed = [data.get(kind) for kind in KINDS]
            _require_room(sum(len(items) for items in listed if isinstance(items, list)))
        entries = await asyncio.to_thread(overlay_entries, source, session, self._known_names)
        if entries.diagnostics:
            raise OverlayRejected(422, *entries.diagnostics)
        items = [(kind, index, item) for kind in KINDS for index, item in enumerate(data.get(kind) or ())]
        if not items and not or_none:
            raise OverlayRejected(422, source.diagnostic((), "expected rules or modifiers"))
        return items

    async def _read_item(
        self, name: str, source: Source, session: str | None
    ) -> tuple[ItemKind, dict[str, Json]]:
        """Return the only item of a text and its kind, with this name."""
        items = await self._read(source, session)
        if len(items) != 1:
            raise OverlayRejected(422, source.diagnostic((), "expected one rule or modifier"))
        ((kind, index, item),) = items
        if _name(item) not in (None, name):
            raise OverlayRejected(
                422, source.diagnostic((kind, index, "name"), f'expected the name "{name}"')
            )
        return kind, {"name": name, **item}

    async def _change(
        self, session: str | None, overlay: Overlay, settings: OverlaySettings | None = None
    ) -> None:
        """Replace an overlay, and the settings unless they are None."""
        settings = self.settings if settings is None else settings
        stored = {other: rest for other, rest in self._stored.items() if other != session}
        _require_room(sum(_size(rest.overlay) for rest in stored.values()) + _size(overlay))
        complete = overlay if session is not None else _with_settings(overlay, settings)
        if _size(complete):  # in a thread: a large overlay must not delay streams
            text, entries = await asyncio.to_thread(_written, complete, self._known_names)
            if entries.diagnostics:
                raise OverlayRejected(422, *entries.diagnostics)
            stored[session] = StoredOverlay(overlay, text, entries)
        await self._activate(stored)
        self.settings = settings

    async def _activate(self, stored: dict[str | None, StoredOverlay]) -> None:
        """Use these overlays, or raise and change nothing."""
        order = sorted(stored, key=lambda session: (session is not None, session or ""))
        await self._apply([stored[session].entries for session in order])
        self._stored = stored


def _written(overlay: Overlay, known_names: KnownNames) -> tuple[str, OverlaidEntries]:
    """Return an overlay as text, and the entries of this text."""
    text = overlay.text
    return text, overlay_entries(read_source(text, overlay.name), overlay.session, known_names)


def _with_settings(overlay: Overlay, settings: OverlaySettings) -> Overlay:
    taken = set(_names(overlay))
    items = [item for _, items in sorted(settings.items(), reverse=True) for item in items]
    more = [_with_free_name(item, taken) for item in items]
    return replace(overlay, modifiers=(*overlay.modifiers, *more))


def _size(overlay: Overlay) -> int:
    return len(overlay.rules) + len(overlay.modifiers)


def _require_room(items: int) -> None:
    """Refuse more rules and modifiers than all overlays together may have, before they are compiled."""
    if items > MAX_ITEMS:
        message = f"the overlays may contain {MAX_ITEMS} rules and modifiers; remove some"
        raise OverlayRejected(409, Diagnostic("", 0, 0, "", message))


def _names(overlay: Overlay) -> list[str]:
    return [name for item in (*overlay.rules, *overlay.modifiers) if (name := _name(item)) is not None]


def _name(item: Json) -> str | None:
    name = item.get("name")
    return name if isinstance(name, str) else None


def _with_free_name(item: Json, taken: set[str]) -> Json:
    """Rename an item if its name is taken. A saved overlay with its settings may have been added again, and two
    scenario files may have the same names."""
    name, number = str(item["name"]), 2
    while name in taken:
        name = f"{item['name']} {number}"
        number += 1
    return {**item, "name": name}


def _without(name: str, items: Sequence[Json]) -> tuple[Json, ...]:
    return tuple(item for item in items if _name(item) != name)


def free_names(kind: ItemKind, taken: Collection[str]) -> Iterator[str]:
    """Yield names for items of this kind. Each is free when it is yielded; `taken` only grows."""
    return (name for number in count(1) if (name := f"{kind[:-1]}-{number}") not in taken)
