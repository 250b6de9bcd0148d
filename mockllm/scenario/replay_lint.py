"""Warnings about recordings that no request of a rule can read: of another protocol, or of another form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from mockllm.scenario.diagnostics import Path
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.rule import RuleSpec
from mockllm.scenario.vocabulary import Vocabulary

_EVENTS: Final = (b"data:", b"event:")
"""How the body of an event stream begins."""


def replay_warnings(
    spec: RuleSpec, files: Mapping[str, bytes], vocabulary: Vocabulary
) -> Iterator[tuple[Path, str]]:
    """Yield a warning for each replay of bytes that a matching request cannot read."""
    places: list[tuple[Path, Any]] = [((), spec)]
    for below in ("sequence", "choose"):
        places += [((below, index), each) for index, each in enumerate(getattr(spec, below) or ())]
    wanted = _wanted(spec, vocabulary)
    for path, response in places:
        replay = response.replay
        if replay is None or replay.as_ != "bytes":
            continue
        if spec.match.stream is False and _is_stream(replay, files):
            yield (*path, "replay"), "a recorded stream, for requests without a stream; write `as: reply`"
            continue
        if wanted and vocabulary.other_dialect is not None:
            recorded = vocabulary.other_dialect(replay, files, wanted)
            if recorded is not None:
                yield (
                    (*path, "replay"),
                    f"recorded in the protocol of {recorded}, for requests of {', '.join(sorted(wanted))}; "
                    "write `as: reply`",
                )


def _wanted(spec: RuleSpec, vocabulary: Vocabulary) -> frozenset[str]:
    """Return the dialects that a rule's match names, by themselves or by their providers; empty for any."""
    dialects = _texts(spec.match.dialect)
    if dialects:
        return frozenset(
            name for name in vocabulary.dialects if any(fnmatchcase(name, each) for each in dialects)
        )
    return frozenset(
        dialect
        for provider, names in vocabulary.provider_dialects.items()
        if any(fnmatchcase(provider, each) for each in _texts(spec.match.provider))
        for dialect in names
    )


def _texts(condition: Any) -> list[str]:
    """Return the names that a condition spells out; none for other conditions."""
    names = condition if isinstance(condition, list) else [condition]
    return names if all(isinstance(name, str) for name in names) else []


def _is_stream(replay: ReplaySpec, files: Mapping[str, bytes]) -> bool:
    kinds = (value for name, value in replay.headers.items() if name.lower() == "content-type")
    if next(kinds, "").startswith("text/event-stream"):
        return True
    body = (
        files.get(replay.file, b"") if replay.file else b"".join(each.bytes for each in replay.frames or ())
    )
    return body.lstrip().startswith(_EVENTS)
