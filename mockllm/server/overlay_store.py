"""What was changed while the server runs: rules and modifiers of everybody's overlay, and of sessions' own.

All of it is words of the scenario language. A change is typed, compiled with the files and swapped in as a
whole, or not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.overlay import OverlaidEntries, Overlay, overlaid
from mockllm.scenario.source_file import Source
from mockllm.scenario.vocabulary import Vocabulary
from mockllm.scenario.yaml_reader import read_source

MOST: Final = 2_000
"""So many rules and modifiers at most stand in all overlays together."""
Kind: TypeAlias = Literal["rules", "modifiers"]
KINDS: Final[tuple[Kind, ...]] = ("rules", "modifiers")
Apply: TypeAlias = Callable[[Sequence[OverlaidEntries]], Awaitable[None]]
Settings: TypeAlias = Mapping[str, Sequence[Json]]


class OverlayRejected(Exception):
    """A change that cannot be; nothing has changed."""

    def __init__(self, status: int, *mistakes: Diagnostic) -> None:
        super().__init__("; ".join(each.message for each in mistakes))
        self.status = status
        self.mistakes = mistakes


class OverlayStore:
    """See above. `apply` has an engine built and swapped in; it raises `Broken` where one cannot be."""

    def __init__(self, apply: Apply, vocabulary: Vocabulary) -> None:
        self._apply = apply
        self._vocabulary = vocabulary
        self._held: dict[str | None, Overlay] = {}
        self._made: dict[str | None, OverlaidEntries] = {}
        self._texts: dict[str | None, str] = {}
        self.settings: dict[str, Sequence[Json]] = {}
        """The modifiers that settings stand for, by the endpoint (an empty text is all): the narrower first."""
        self._one = asyncio.Lock()
        """One change at a time: each begins with what the one before it left."""

    def of(self, session: str | None) -> Overlay:
        """An overlay, with the settings where it is everybody's."""
        found = self._held.get(session, Overlay(session=session))
        if session is not None:
            return found
        taken = set(self.names(None))
        own = [each for _, listed in sorted(self.settings.items(), reverse=True) for each in listed]
        return replace(found, modifiers=(*found.modifiers, *(_named_freely(each, taken) for each in own)))

    def text(self, session: str | None) -> str:
        """An overlay as a scenario file."""
        return self._texts.get(session) or Overlay(session=session).text

    def names(self, session: str | None) -> list[str]:
        """Those of an overlay's rules and modifiers, without what settings stand for."""
        found = self._held.get(session, Overlay())
        return [name for each in (*found.rules, *found.modifiers) if (name := _name(each)) is not None]

    @property
    def all(self) -> object:
        """Differs from what it was where anything has changed."""
        return dict(self._held), dict(self.settings)

    @property
    def sizes(self) -> Mapping[str, int]:
        """How many rules and modifiers stand in each session's."""
        return {
            session: len(each.rules) + len(each.modifiers)
            for session, each in self._held.items()
            if session is not None
        }

    @property
    def sessions(self) -> Sequence[str]:
        return [session for session in self._held if session is not None]

    async def add(self, source: Source, session: str | None) -> list[str]:
        """Puts what a text holds above what there is; its names. Raises Refused."""
        async with self._one:
            items = await self._read(source, session)
            held = self._held.get(session, Overlay(session=session))
            taken = {_name(each) for each in (*held.rules, *held.modifiers)}
            names: list[str] = []
            added: dict[Kind, list[Json]] = {"rules": [], "modifiers": []}
            for kind, index, item in items:
                name = _name(item)
                if name in taken:
                    message = f'"{name}" is in the overlay already; PUT it to replace it'
                    raise OverlayRejected(409, source.mistake((kind, index, "name"), message))
                if name is None:
                    name = _free(kind, taken)
                    item = {"name": name, **item}
                taken.add(name)
                names.append(name)
                added[kind].append(item)
            rules, modifiers = (*added["rules"], *held.rules), (*added["modifiers"], *held.modifiers)
            await self._change(session, replace(held, rules=rules, modifiers=modifiers))
            return names

    async def put(self, name: str, source: Source, session: str | None) -> None:
        """Puts one rule or modifier in the place of the one of this name, or above all. Raises Refused."""
        async with self._one:
            items = await self._read(source, session)
            if len(items) != 1:
                raise OverlayRejected(422, source.mistake((), "expected one rule or modifier"))
            ((kind, index, item),) = items
            if _name(item) not in (None, name):
                raise OverlayRejected(422, source.mistake((kind, index, "name"), f'the path says "{name}"'))
            item = {"name": name, **item}
            held = self._held.get(session, Overlay(session=session))
            listed: dict[Kind, tuple[Json, ...]] = {"rules": held.rules, "modifiers": held.modifiers}
            own = listed[kind]
            if any(_name(each) == name for each in own):
                listed[kind] = tuple(item if _name(each) == name else each for each in own)
            else:
                listed = {each: _without(name, listed[each]) for each in KINDS}
                listed[kind] = (item, *listed[kind])
            await self._change(session, replace(held, rules=listed["rules"], modifiers=listed["modifiers"]))

    async def remove(self, name: str, session: str | None) -> bool:
        """Whether there was one of this name."""
        async with self._one:
            held = self._held.get(session)
            if held is None or all(_name(each) != name for each in (*held.rules, *held.modifiers)):
                return False
            rules, modifiers = _without(name, held.rules), _without(name, held.modifiers)
            await self._change(session, replace(held, rules=rules, modifiers=modifiers))
            return True

    async def configure(self, settings: Mapping[str, Sequence[Json]]) -> None:
        """Has the settings stand for these modifiers from now on. Raises Refused."""
        async with self._one:
            before = self.settings
            self.settings = {endpoint: listed for endpoint, listed in settings.items() if listed}
            try:
                await self._change(None, self._held.get(None, Overlay()))
            except BaseException:
                self.settings = before
                raise

    async def clear(self, session: str | None = None, *, all: bool = False) -> None:
        """Empties one overlay, or all of them and the settings."""
        async with self._one:
            if all:
                self._held.clear()
                self._made.clear()
                self._texts.clear()
                self.settings = {}
                await self._apply(())
            elif session in self._held:
                await self._change(session, Overlay(session=session))

    async def drop(self, sessions: Collection[str]) -> None:
        """Takes away the overlays of sessions that ended."""
        async with self._one:
            gone = [each for each in sessions if each in self._held]
            if gone:
                before = self._held, self._made
                self._held = {each: held for each, held in self._held.items() if each not in gone}
                self._made = {each: made for each, made in self._made.items() if each not in gone}
                try:
                    await self._apply(self._ordered(self._made))
                except BaseException:
                    self._held, self._made = before
                    raise
                self._texts = {each: text for each, text in self._texts.items() if each not in gone}

    def _ordered(self, made: Mapping[str | None, OverlaidEntries]) -> list[OverlaidEntries]:
        return [made[each] for each in sorted(made, key=lambda each: (each is not None, each or ""))]

    async def _read(self, source: Source, session: str | None) -> list[tuple[Kind, int, dict[str, Json]]]:
        """The items of a text, each with its place."""
        made = await asyncio.to_thread(overlaid, source, session, self._vocabulary)
        if made.mistakes:
            raise OverlayRejected(422, *made.mistakes)
        data: Any = source.data
        items = [(kind, index, item) for kind in KINDS for index, item in enumerate(data.get(kind) or ())]
        if not items:
            raise OverlayRejected(422, source.mistake((), "expected rules or modifiers"))
        return items

    async def _change(self, session: str | None, overlay: Overlay) -> None:
        held = dict(self._held)
        held.pop(session, None)
        if overlay.rules or overlay.modifiers:
            held[session] = overlay
        if sum(len(each.rules) + len(each.modifiers) for each in held.values()) > MOST:
            raise OverlayRejected(
                409, Diagnostic("", 0, 0, "", f"the overlays hold {MOST} rules and modifiers; remove some")
            )
        before, self._held = self._held, held
        shown = self.of(session)
        made, texts = dict(self._made), dict(self._texts)
        made.pop(session, None)
        texts.pop(session, None)
        try:
            if shown.rules or shown.modifiers:  # streams go on while a large one is written and read
                texts[session], made[session] = await asyncio.to_thread(_written, shown, self._vocabulary)
                if made[session].mistakes:
                    raise OverlayRejected(422, *made[session].mistakes)
            await self._apply(self._ordered(made))
        except BaseException:
            self._held = before
            raise
        self._made, self._texts = made, texts


def _written(overlay: Overlay, vocabulary: Vocabulary) -> tuple[str, OverlaidEntries]:
    """An overlay as a text, and what that comes to."""
    text = overlay.text
    return text, overlaid(read_source(text, overlay.name), overlay.session, vocabulary)


def _name(item: Any) -> str | None:
    found = item.get("name")
    return found if isinstance(found, str) else None


def _named_freely(item: Any, taken: set[str]) -> Json:
    """What a setting stands for, under a name of its own: an overlay that was saved may be put back."""
    name, number = str(item["name"]), 2
    while name in taken:
        name = f"{item['name']} {number}"
        number += 1
    return {**item, "name": name}


def _without(name: str, items: Sequence[Any]) -> tuple[Json, ...]:
    return tuple(each for each in items if _name(each) != name)


def _free(kind: Kind, taken: set[str | None]) -> str:
    number = 1
    while f"{kind[:-1]}-{number}" in taken:
        number += 1
    return f"{kind[:-1]}-{number}"
