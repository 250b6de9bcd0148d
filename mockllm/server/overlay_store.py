"""The overlays: rules and modifiers that are added at run time, for all sessions or for one.

An overlay is written in the scenario language. A change is validated, compiled together with the files, and
activated completely or not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.overlay import OverlaidEntries, Overlay, overlay_entries
from mockllm.scenario.source_file import Source
from mockllm.scenario.vocabulary import Vocabulary
from mockllm.scenario.yaml_reader import read_source

MAX_ITEMS: Final = 2_000
"""Most rules and modifiers in all overlays together."""
Kind: TypeAlias = Literal["rules", "modifiers"]
KINDS: Final[tuple[Kind, ...]] = ("rules", "modifiers")
Apply: TypeAlias = Callable[[Sequence[OverlaidEntries]], Awaitable[None]]
Settings: TypeAlias = Mapping[str, Sequence[Json]]


class OverlayRejected(Exception):
    """A rejected change; the overlays are unchanged."""

    def __init__(self, status: int, *mistakes: Diagnostic) -> None:
        super().__init__("; ".join(mistake.message for mistake in mistakes))
        self.status = status
        self.diagnostics = mistakes


class OverlayStore:
    """Stores all overlays. `apply` builds and activates an engine with them; it raises `Broken` if this fails."""

    def __init__(self, apply: Apply, vocabulary: Vocabulary) -> None:
        self._apply = apply
        self._vocabulary = vocabulary
        self._overlays: dict[str | None, Overlay] = {}
        self._entries: dict[str | None, OverlaidEntries] = {}
        self._texts: dict[str | None, str] = {}
        self.settings: dict[str, Sequence[Json]] = {}
        """The modifiers of settings by endpoint; an empty name means all endpoints."""
        self._lock = asyncio.Lock()
        """Serialises changes, because each starts from the result of the one before."""

    def of(self, session: str | None) -> Overlay:
        """Return an overlay; the overlay for all sessions includes the settings."""
        overlay = self._overlays.get(session, Overlay(session=session))
        if session is not None:
            return overlay
        taken = set(self.names(None))
        settings = [item for _, items in sorted(self.settings.items(), reverse=True) for item in items]
        return replace(
            overlay, modifiers=(*overlay.modifiers, *(_with_free_name(item, taken) for item in settings))
        )

    def text(self, session: str | None) -> str:
        """Return an overlay as a scenario file."""
        return self._texts.get(session) or Overlay(session=session).text

    def names(self, session: str | None) -> list[str]:
        """Return the names of an overlay's rules and modifiers, without those of settings."""
        overlay = self._overlays.get(session, Overlay())
        return [name for item in (*overlay.rules, *overlay.modifiers) if (name := _name(item)) is not None]

    @property
    def all(self) -> object:
        """A value that differs from an earlier one if anything has changed."""
        return dict(self._overlays), dict(self.settings)

    @property
    def sizes(self) -> Mapping[str, int]:
        """The number of rules and modifiers in each session's overlay."""
        return {
            session: len(overlay.rules) + len(overlay.modifiers)
            for session, overlay in self._overlays.items()
            if session is not None
        }

    @property
    def sessions(self) -> Sequence[str]:
        return [session for session in self._overlays if session is not None]

    async def add(self, source: Source, session: str | None) -> list[str]:
        """Add the items of a text before all others and return their names. Raises OverlayRejected."""
        async with self._lock:
            items = await self._read(source, session)
            overlay = self._overlays.get(session, Overlay(session=session))
            taken = {_name(item) for item in (*overlay.rules, *overlay.modifiers)}
            names: list[str] = []
            added: dict[Kind, list[Json]] = {"rules": [], "modifiers": []}
            for kind, index, item in items:
                name = _name(item)
                if name in taken:
                    message = f'"{name}" is in the overlay already; PUT it to replace it'
                    raise OverlayRejected(409, source.diagnostic((kind, index, "name"), message))
                if name is None:
                    name = _free_name(kind, taken)
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
            items = await self._read(source, session)
            if len(items) != 1:
                raise OverlayRejected(422, source.diagnostic((), "expected one rule or modifier"))
            ((kind, index, item),) = items
            if _name(item) not in (None, name):
                raise OverlayRejected(
                    422, source.diagnostic((kind, index, "name"), f'the path says "{name}"')
                )
            item = {"name": name, **item}
            overlay = self._overlays.get(session, Overlay(session=session))
            listed: dict[Kind, tuple[Json, ...]] = {"rules": overlay.rules, "modifiers": overlay.modifiers}
            old = listed[kind]
            if any(_name(other) == name for other in old):
                listed[kind] = tuple(item if _name(other) == name else other for other in old)
            else:
                listed = {key: _without(name, listed[key]) for key in KINDS}
                listed[kind] = (item, *listed[kind])
            await self._change(
                session, replace(overlay, rules=listed["rules"], modifiers=listed["modifiers"])
            )

    async def remove(self, name: str, session: str | None) -> bool:
        """Remove a rule or modifier; return whether it existed."""
        async with self._lock:
            overlay = self._overlays.get(session)
            if overlay is None or all(_name(item) != name for item in (*overlay.rules, *overlay.modifiers)):
                return False
            rules, modifiers = _without(name, overlay.rules), _without(name, overlay.modifiers)
            await self._change(session, replace(overlay, rules=rules, modifiers=modifiers))
            return True

    async def configure(self, settings: Mapping[str, Sequence[Json]]) -> None:
        """Replace the modifiers of all settings. Raises OverlayRejected."""
        async with self._lock:
            before = self.settings
            self.settings = {endpoint: listed for endpoint, listed in settings.items() if listed}
            try:
                await self._change(None, self._overlays.get(None, Overlay()))
            except BaseException:
                self.settings = before
                raise

    async def clear(self, session: str | None = None, *, all: bool = False) -> None:
        """Clear one overlay, or all overlays and the settings."""
        async with self._lock:
            if all:
                self._overlays.clear()
                self._entries.clear()
                self._texts.clear()
                self.settings = {}
                await self._apply(())
            elif session in self._overlays:
                await self._change(session, Overlay(session=session))

    async def drop(self, sessions: Collection[str]) -> None:
        """Remove the overlays of ended sessions."""
        async with self._lock:
            ended = [session for session in sessions if session in self._overlays]
            if ended:
                before = self._overlays, self._entries
                self._overlays = {key: overlay for key, overlay in self._overlays.items() if key not in ended}
                self._entries = {key: entries for key, entries in self._entries.items() if key not in ended}
                try:
                    await self._apply(self._ordered(self._entries))
                except BaseException:
                    self._overlays, self._entries = before
                    raise
                self._texts = {key: text for key, text in self._texts.items() if key not in ended}

    def _ordered(self, entries: Mapping[str | None, OverlaidEntries]) -> list[OverlaidEntries]:
        return [entries[session] for session in sorted(entries, key=lambda key: (key is not None, key or ""))]

    async def _read(self, source: Source, session: str | None) -> list[tuple[Kind, int, dict[str, Json]]]:
        """Return the items of a text with their kind and index."""
        entries = await asyncio.to_thread(overlay_entries, source, session, self._vocabulary)
        if entries.diagnostics:
            raise OverlayRejected(422, *entries.diagnostics)
        data: Any = source.data
        items = [(kind, index, item) for kind in KINDS for index, item in enumerate(data.get(kind) or ())]
        if not items:
            raise OverlayRejected(422, source.diagnostic((), "expected rules or modifiers"))
        return items

    async def _change(self, session: str | None, overlay: Overlay) -> None:
        overlays = dict(self._overlays)
        overlays.pop(session, None)
        if overlay.rules or overlay.modifiers:
            overlays[session] = overlay
        if sum(len(other.rules) + len(other.modifiers) for other in overlays.values()) > MAX_ITEMS:
            raise OverlayRejected(
                409,
                Diagnostic(
                    "", 0, 0, "", f"the overlays contain {MAX_ITEMS} rules and modifiers; remove some"
                ),
            )
        before, self._overlays = self._overlays, overlays
        complete = self.of(session)
        entries, texts = dict(self._entries), dict(self._texts)
        entries.pop(session, None)
        texts.pop(session, None)
        try:
            if complete.rules or complete.modifiers:  # in a thread: a large overlay must not delay streams
                texts[session], entries[session] = await asyncio.to_thread(
                    _written, complete, self._vocabulary
                )
                if entries[session].diagnostics:
                    raise OverlayRejected(422, *entries[session].diagnostics)
            await self._apply(self._ordered(entries))
        except BaseException:
            self._overlays = before
            raise
        self._entries, self._texts = entries, texts


def _written(overlay: Overlay, vocabulary: Vocabulary) -> tuple[str, OverlaidEntries]:
    """Return an overlay as text, and the entries of this text."""
    text = overlay.text
    return text, overlay_entries(read_source(text, overlay.name), overlay.session, vocabulary)


def _name(item: Any) -> str | None:
    name = item.get("name")
    return name if isinstance(name, str) else None


def _with_free_name(item: Any, taken: set[str]) -> Json:
    """Rename a modifier of settings if its name is taken, because a saved overlay may have been added again."""
    name, number = str(item["name"]), 2
    while name in taken:
        name = f"{item['name']} {number}"
        number += 1
    return {**item, "name": name}


def _without(name: str, items: Sequence[Any]) -> tuple[Json, ...]:
    return tuple(item for item in items if _name(item) != name)


def _free_name(kind: Kind, taken: set[str | None]) -> str:
    number = 1
    while f"{kind[:-1]}-{number}" in taken:
        number += 1
    return f"{kind[:-1]}-{number}"
