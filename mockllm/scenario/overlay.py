"""Rules and modifiers that are added at run time: a file in no folder, which has precedence over all files.

An overlay is data in the scenario language. It is written as YAML and read again, so that the displayed text is the
text in use. One overlay applies to all sessions. Others belong to one session and apply to its requests only.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.json.codec import Json, dumps
from mockllm.core.redaction import Redactor
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.file_loader import NO_FOLDER, LoadedFile
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language.match import Match
from mockllm.scenario.language.mcp_server import McpServerSpec
from mockllm.scenario.source_file import Source
from mockllm.scenario.typed_entries import EntryTyper, TypedEntry, places_by_id
from mockllm.scenario.yaml_reader import FORBIDDEN_CHARACTERS, read_source

GLOBAL_LAYER: Final = -2
SESSION_LAYER: Final = -1
"""The layers of overlays. Their numbers are lower than those of files: the lower layer has precedence."""
ONLY_IN_FILES: Final = ("use", "finding", "mcp", "examples")
"""Keys of a scenario file that an overlay does not have."""


class Overlay(Struct, frozen=True):
    """An overlay with its newest entries first. `session` is its session; None for the overlay of all sessions."""

    rules: tuple[Json, ...] = ()
    modifiers: tuple[Json, ...] = ()
    session: str | None = None

    @property
    def name(self) -> str:
        """The name of its file in diagnostics and ids. A client may use its key as the id of a session."""
        return "overlay.yaml" if self.session is None else f"session-{Redactor().session(self.session)}.yaml"

    @property
    def data(self) -> dict[str, Json]:
        entries = {"rules": list(self.rules), "modifiers": list(self.modifiers)}
        return {"mockllm": 1, **{key: items for key, items in entries.items() if items}}

    @property
    def text(self) -> str:
        """The overlay as a scenario file."""
        return to_yaml(self.data)


class OverlaidEntries(Struct, frozen=True):
    """The typed entries of an overlay. `off` are the ids of entries of files that it disables."""

    entries: Sequence[TypedEntry]
    diagnostics: Sequence[Diagnostic]
    off: Sequence[tuple[str, Diagnostic]] = ()


def to_yaml(data: Json) -> str:
    """Return data as YAML that is read as the same data."""
    for with_unicode in (True, False):  # the writer does not escape each line end of Unicode
        text = _block_yaml(data, with_unicode)
        if read_source(text, "").data == data:
            return text
    return FORBIDDEN_CHARACTERS.sub(lambda found: f"\\u{ord(found[0]):04x}", dumps(data).decode()) + "\n"


def _block_yaml(data: Json, with_unicode: bool) -> str:
    from ruamel.yaml import YAML  # takes 20 ms to import

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.allow_unicode = with_unicode
    writer.width = 110
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.representer.ignore_aliases = lambda _: True  # users read it, and copy parts of it
    out = io.StringIO()
    writer.dump(data, out)
    return out.getvalue()


def overlay_entries(source: Source, session: str | None, known_names: KnownNames) -> OverlaidEntries:
    """Return the entries of an overlay's text."""
    if source.diagnostics:
        return OverlaidEntries((), source.diagnostics)
    id = "overlay" if session is None else "session"
    file = LoadedFile(NO_FOLDER, id, source, source, NO_FOLDER, "user")
    typer = EntryTyper(known_names, with_examples=False)
    layer = GLOBAL_LAYER if session is None else SESSION_LAYER
    outline = typer.outline(file)
    if outline is not None:
        wrong = next((key for key in ONLY_IN_FILES if key in source.data), None)
        if wrong is not None:
            message = f"an overlay has no {wrong}, only rules and modifiers"
            return OverlaidEntries((), [source.diagnostic((wrong,), message, key=True)])
        typer.items(file, outline, layer, 0)
    off = [(target, entry.diagnostic("", "replaces")) for entry, target in typer.disabling]
    diagnostics = list(typer.diagnostics)
    if session is not None:
        replacing = [(*entry.path, "replaces") for entry in typer.entries if entry.spec.replaces is not None]
        message = "only the overlay of all sessions "
        diagnostics += [source.diagnostic(path, f"{message}replaces rules") for path in replacing]
        diagnostics += [replace(each, message=f"{message}disables entries") for _, each in off]
        return OverlaidEntries([_for_session(entry, session) for entry in typer.entries], diagnostics)
    return OverlaidEntries(typer.entries, diagnostics, off)


def _for_session(entry: TypedEntry, session: str) -> TypedEntry:
    """Return the entry, limited to the requests of the session. Its counts are not those of an equal entry of
    another session, which may last longer."""
    assert not isinstance(entry.spec, McpServerSpec), "an overlay has none"
    own = Match.model_construct(_fields_set={"session"}, session=session)
    match = Match.model_construct(_fields_set={"all"}, all=[own, entry.spec.match])
    spec = entry.spec.model_copy(update={"match": match})
    own_key, digest = f"{entry.key} {session}", f"{entry.digest} {session}"
    return replace(entry, spec=spec, key=own_key, digest=digest)


def replacement_targets(overlays: Sequence[OverlaidEntries]) -> frozenset[tuple[str, str]]:
    """Return the ids that these entries replace or disable, each with the id of its replacement."""
    off = {("", target) for overlay in overlays for target, _ in overlay.off}
    return frozenset(off) | {
        (entry.id, entry.spec.replaces)
        for overlay in overlays
        for entry in overlay.entries
        if entry.spec.replaces is not None
    }


def missing_targets(
    overlay: OverlaidEntries, base: Sequence[TypedEntry], accepted: Collection[tuple[str, str]] = ()
) -> list[Diagnostic]:
    """Return the errors of replacing entries that do not exist; entries that existed when `accepted` may be
    removed since."""
    by_id = places_by_id(base)
    unknown = [each for target, each in overlay.off if target not in by_id and ("", target) not in accepted]
    unknown += [
        Diagnostic("overlay.yaml", 0, 0, f"{entry.kind}s[{entry.path[1]}].replaces", "")
        for entry in overlay.entries
        if entry.spec.replaces is not None
        and entry.spec.replaces not in by_id
        and (entry.id, entry.spec.replaces) not in accepted
    ]
    return [replace(each, message="there is no such rule or modifier to replace") for each in unknown]


def merge_entries(base: Sequence[TypedEntry], overlays: Sequence[OverlaidEntries]) -> list[TypedEntry]:
    """Return all entries in the order in which they are tried."""
    by_id = places_by_id(base)
    removed: set[int] = set()
    added: list[TypedEntry] = []
    for number, each in enumerate(overlays):
        removed |= {by_id[target] for target, _ in each.off if target in by_id}
        for entry in each.entries:
            place = by_id.get(entry.spec.replaces or "")
            if place is None:
                added.append(replace(entry, rank=(*entry.rank[:3], number, entry.rank[4])))
            else:
                removed.add(place)
                added.append(replace(entry, layer=base[place].layer, rank=base[place].rank))
    rest = [entry for place, entry in enumerate(base) if place not in removed]
    return sorted((*added, *rest), key=lambda entry: (entry.kind == "modifier", entry.rank))
