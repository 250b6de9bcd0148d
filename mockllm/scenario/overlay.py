"""Rules and modifiers that were added while a server runs: a file that stands in no folder, above all that do.

An overlay is data in the scenario language, written out as YAML and read again, so that what a person is shown
is what answers. One is everybody's; others are those of a session, and its requests alone see them.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.json.codec import Json, dumps
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.file_loader import LoadedFile
from mockllm.scenario.language.match import Match
from mockllm.scenario.raw_entries import shorts
from mockllm.scenario.source_file import Source
from mockllm.scenario.typed_entries import EntryTyper, TypedEntry
from mockllm.scenario.vocabulary import Vocabulary
from mockllm.scenario.yaml_reader import read_source

LIVE: Final = -2
SESSION: Final = -1
"""The layers: below those of files, so that their settings win."""
NOWHERE: Final = "/dev/null"
"""An overlay refers to no files."""


class Overlay(Struct, frozen=True):
    """The newest stand first. `session`: whose it is; everybody's where it is None."""

    rules: tuple[Json, ...] = ()
    modifiers: tuple[Json, ...] = ()
    session: str | None = None

    @property
    def name(self) -> str:
        return "overlay.yaml" if self.session is None else f"session-{self.session}.yaml"

    @property
    def data(self) -> dict[str, Json]:
        found: dict[str, Json] = {"mockllm": 1}
        if self.rules:
            found["rules"] = list(self.rules)
        if self.modifiers:
            found["modifiers"] = list(self.modifiers)
        return found

    @property
    def text(self) -> str:
        """As a scenario file."""
        return as_yaml(self.data)


class OverlaidEntries(Struct, frozen=True):
    """What an overlay comes to. `off` are the ids of items of files that it switches off."""

    entries: Sequence[TypedEntry]
    mistakes: Sequence[Diagnostic]
    off: Sequence[tuple[str, Diagnostic]] = ()


def as_yaml(data: Json) -> str:
    """Data as YAML that reads as the same data."""
    from ruamel.yaml import YAML  # 20 ms, for those who ask

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.allow_unicode = True
    writer.width = 110
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.representer.ignore_aliases = lambda _: True  # a person reads it, and copies parts of it
    out = io.StringIO()
    writer.dump(data, out)
    text = out.getvalue()
    return text if read_source(text, "").data == data else dumps(data).decode() + "\n"


def overlaid(source: Source, session: str | None, vocabulary: Vocabulary) -> OverlaidEntries:
    """The entries of an overlay's text."""
    if source.mistakes:
        return OverlaidEntries((), source.mistakes)
    id = "overlay" if session is None else "session"
    file = LoadedFile(NOWHERE, id, source, source, NOWHERE, "user")
    typing = EntryTyper(vocabulary, exemplified=False)
    layer = LIVE if session is None else SESSION
    outline = typing.outline(file)
    if outline is not None:
        if "use" in source.data or "examples" in source.data:
            word = "use" if "use" in source.data else "examples"
            typing.mistakes.append(source.mistake((word,), "an overlay holds rules and modifiers", key=True))
        typing.items(file, outline, layer, 0)
    off = [(target, written.mistake("", "replaces")) for written, target in typing.switched]
    mistakes = list(typing.mistakes)
    if session is not None:
        replacing = [entry for entry in typing.entries if entry.spec.replaces is not None]
        mistakes += [
            source.mistake((*entry.path, "replaces"), "only the overlay of all sessions replaces rules")
            for entry in replacing
        ]
        mistakes += [
            replace(each, message="only the overlay of all sessions switches off") for _, each in off
        ]
        return OverlaidEntries([_of_session(entry, session) for entry in typing.entries], mistakes)
    return OverlaidEntries(typing.entries, mistakes, off)


def _of_session(entry: TypedEntry, session: str) -> TypedEntry:
    """The entry, for requests of the session alone."""
    own = Match.model_construct(_fields_set={"session"}, session=session)
    match = Match.model_construct(_fields_set={"all"}, all=[own, entry.spec.match])
    word = entry.spec.model_copy(update={"match": match})
    return replace(entry, spec=word, digest=f"{entry.digest} {session}")


def targets(over: Sequence[OverlaidEntries]) -> frozenset[tuple[str, str]]:
    """What these replace or switch off, each by what does it."""
    off = {("", target) for made in over for target, _ in made.off}
    return frozenset(off) | {
        (entry.id, entry.spec.replaces)
        for made in over
        for entry in made.entries
        if entry.spec.replaces is not None
    }


def missing(
    made: OverlaidEntries, base: Sequence[TypedEntry], accepted: Collection[tuple[str, str]] = ()
) -> list[Diagnostic]:
    """The mistakes of replacing what there is not; what was there when it was `accepted` may have gone since."""
    by_id = _by_id(base)
    found = [each for target, each in made.off if target not in by_id and ("", target) not in accepted]
    found += [
        Diagnostic("overlay.yaml", 0, 0, f"{entry.kind}s[{entry.path[1]}].replaces", "")
        for entry in made.entries
        if entry.spec.replaces is not None
        and entry.spec.replaces not in by_id
        and (entry.id, entry.spec.replaces) not in accepted
    ]
    return [replace(each, message="there is no such rule or modifier to replace") for each in found]


def joined(base: Sequence[TypedEntry], over: Sequence[OverlaidEntries]) -> list[TypedEntry]:
    """All entries in the order in which they are asked."""
    by_id = _by_id(base)
    gone: set[int] = set()
    added: list[TypedEntry] = []
    for number, each in enumerate(over):
        gone |= {by_id[target] for target, _ in each.off if target in by_id}
        for entry in each.entries:
            place = by_id.get(entry.spec.replaces)
            if place is None:
                rank = (*entry.rank[:3], number, entry.rank[4])
                added.append(replace(entry, rank=rank))
            else:
                gone.add(place)
                added.append(replace(entry, layer=base[place].layer, rank=base[place].rank))
    kept = [entry for place, entry in enumerate(base) if place not in gone]
    return sorted((*added, *kept), key=lambda entry: (entry.kind == "modifier", entry.rank))


def _by_id(base: Sequence[TypedEntry]) -> Mapping[Any, int]:
    """Places by ids, and by `pack:name` where that is unique."""
    found: dict[str, int] = {}
    by_short: dict[str, list[int]] = {}
    for place, entry in enumerate(base):
        found[entry.id] = place
        for short in shorts(entry.id):
            by_short.setdefault(short, []).append(place)
    return {**{id: places[0] for id, places in by_short.items() if len(places) == 1}, **found}
