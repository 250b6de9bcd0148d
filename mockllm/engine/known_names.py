"""The names that scenario files may use for providers, dialects and calls, from the list of all providers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Final

from mockllm.dialects.dialect import Dialect
from mockllm.dialects.provider_facts import (
    ALIASES,
    API_DIALECTS,
    APIS,
    DIALECT_NAMES,
    LINE_DIALECTS,
    PREFIXES,
    PROTOCOL_VERSIONS,
    PROVIDER_DIALECTS,
    PROVIDERS,
    REPLY_APIS,
    REPLY_PATHS,
    WRITTEN_MEMBERS,
    begins_with_prefix,
    path_dialects,
)
from mockllm.engine.replay import decodes
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language.replay import ReplaySpec

MAX_BYTES: Final = 262_144
"""A longer recording is not decoded."""


@cache
def _distinct_dialects() -> Sequence[Dialect]:
    """Return one dialect for each protocol and api: those of vendors differ in little from it."""
    from mockllm.dialects.providers import GENERATING_CALLS  # loads all dialects

    calls = {(call.dialect.name, call.dialect.api): call.dialect for call in reversed(GENERATING_CALLS)}
    return tuple(reversed(calls.values()))


def other_dialect(spec: ReplaySpec, files: Mapping[str, bytes], wanted: Collection[str]) -> str | None:
    """Return the name of the dialect in which a response was recorded, if no call of the `wanted` dialects can decode
    it. Return None otherwise, also if no dialect can."""
    if spec.status >= 400 or spec.as_ != "bytes":
        return None
    size = (
        len(files.get(spec.file, b"")) if spec.file else sum(len(frame.bytes) for frame in spec.frames or ())
    )
    if size > MAX_BYTES:
        return None
    dialects = sorted(_distinct_dialects(), key=lambda dialect: dialect.name not in wanted)
    found = next((dialect.name for dialect in dialects if decodes(spec, files, dialect)), None)
    return None if found in wanted else found


KNOWN_NAMES: Final = KnownNames(
    providers=PROVIDERS,
    dialects=DIALECT_NAMES,
    apis=APIS,
    reply_paths=REPLY_PATHS,
    reply_apis=REPLY_APIS,
    aliases=ALIASES,
    member_keys=WRITTEN_MEMBERS,
    provider_dialects=PROVIDER_DIALECTS,
    api_dialects=API_DIALECTS,
    path_dialects=path_dialects(),
    line_dialects=LINE_DIALECTS,
    other_dialect=other_dialect,
    prefixes=PREFIXES,
    protocol_versions=PROTOCOL_VERSIONS,
    begins_with_prefix=begins_with_prefix,
)
