"""The names that scenario files may use for providers, dialects and calls, from the list of all providers."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.registry import (
    ALIASES,
    API_DIALECTS,
    APIS,
    DIALECT_NAMES,
    GENERATING,
    GENERATING_PATHS,
    LINE_DIALECTS,
    PREFIXES,
    PROVIDER_DIALECTS,
    PROVIDERS,
    WRITTEN_MEMBERS,
    begins_with_prefix,
    path_dialects,
)
from mockllm.engine.recorded_dialect import other_dialect
from mockllm.scenario.known_names import KnownNames

KNOWN_NAMES: Final = KnownNames(
    providers=PROVIDERS,
    dialects=DIALECT_NAMES,
    apis=APIS,
    generating_paths=GENERATING_PATHS,
    generating_apis=GENERATING,
    aliases=ALIASES,
    written_members=WRITTEN_MEMBERS,
    provider_dialects=PROVIDER_DIALECTS,
    api_dialects=API_DIALECTS,
    path_dialects=path_dialects(),
    line_dialects=LINE_DIALECTS,
    other_dialect=other_dialect,
    prefixes=PREFIXES,
    begins_with_prefix=begins_with_prefix,
)
