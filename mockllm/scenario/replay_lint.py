"""Warnings about recordings that no request of a rule can read: of another protocol, or of another form."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from mockllm.core.rendering.gzip import ENCODING, MAX_DECOMPRESSED, exceeds_maximum
from mockllm.scenario.diagnostics import Path
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.rule import RuleSpec
from mockllm.scenario.rule_lint import responses

_EVENTS: Final = (b"data:", b"event:")
"""How the body of an event stream begins."""
REPAIR: Final = "write `as: reply`"
OtherDialect: TypeAlias = Callable[[ReplaySpec, Mapping[str, bytes], Collection[str]], str | None]


def replay_warnings(
    spec: RuleSpec, files: Mapping[str, bytes], known_names: KnownNames
) -> Iterator[tuple[Path, str]]:
    """Yield a warning for each replay of bytes that a matching request cannot read."""
    replays = [(path, each.replay) for path, each in responses(spec) if each.replay is not None]
    if not replays:
        return
    wanted, other = _wanted(spec, known_names), known_names.other_dialect
    for path, replay in replays:
        coding = next((value for name, value in replay.headers.items() if name.lower() == ENCODING), None)
        if coding is not None and exceeds_maximum(coding, _frames(replay, files)):
            size = f"{MAX_DECOMPRESSED >> 20} MiB without its compression ({coding})"
            yield (*path, "replay"), f"the recording has more than {size}: it is not decompressed"
            continue
        if replay.as_ != "bytes":
            continue
        if spec.match.stream is False and _is_stream(replay, files):
            yield (*path, "replay"), f"a recorded stream, for requests without a stream; {REPAIR}"
            continue
        if spec.match.stream is True and other is not None and _is_whole(replay, files, other, known_names):
            yield (*path, "replay"), f"a recorded whole response, for requests of a stream; {REPAIR}"
            continue
        if wanted and other is not None:
            recorded = other(replay, files, wanted)
            if recorded is not None:
                yield (
                    (*path, "replay"),
                    f"recorded in the protocol of {recorded}, for requests of {', '.join(sorted(wanted))}; "
                    + REPAIR,
                )


def _wanted(spec: RuleSpec, known_names: KnownNames) -> frozenset[str]:
    """Return the dialects that a rule's match names, by themselves or by their providers, apis or paths; empty for
    any."""
    match = spec.match
    named = [
        _of_names(_texts(match.dialect), {name: (name,) for name in known_names.dialects}),
        _of_names(_texts(match.provider), known_names.provider_dialects),
        _of_names(_texts(match.api), known_names.api_dialects),
        frozenset().union(*map(known_names.dialects_at, _texts(match.path))),
    ]
    found = [dialects for dialects in named if dialects]
    return frozenset.intersection(*found) if found else frozenset()


def _of_names(names: list[str], dialects: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Return the dialects of all that a name, which may be a glob, names."""
    fitting = (of for known, of in dialects.items() if any(fnmatchcase(known, each) for each in names))
    return frozenset().union(*fitting)


def _texts(condition: object) -> list[str]:
    """Return the names that a condition spells out; none for other conditions."""
    names = condition if isinstance(condition, list) else [condition]
    texts = [name for name in names if isinstance(name, str)]
    return texts if len(texts) == len(names) else []


def _is_whole(
    replay: ReplaySpec, files: Mapping[str, bytes], other: OtherDialect, known_names: KnownNames
) -> bool:
    """Return whether a recording is one JSON object of a protocol whose streams are never one."""
    if _is_stream(replay, files) or not _body(replay, files).lstrip().startswith(b"{"):
        return False
    dialect = other(replay, files, frozenset())
    return dialect is not None and dialect not in known_names.line_dialects


def _is_stream(replay: ReplaySpec, files: Mapping[str, bytes]) -> bool:
    kinds = (value for name, value in replay.headers.items() if name.lower() == "content-type")
    if next(kinds, "").startswith("text/event-stream"):
        return True
    return _body(replay, files).lstrip().startswith(_EVENTS)


def _body(replay: ReplaySpec, files: Mapping[str, bytes]) -> bytes:
    return b"".join(_frames(replay, files))


def _frames(replay: ReplaySpec, files: Mapping[str, bytes]) -> list[bytes]:
    return [files.get(replay.file, b"")] if replay.file else [each.bytes for each in replay.frames or ()]
