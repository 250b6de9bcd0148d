"""The settings of an engine, which all engines of one server share."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from mockllm.core.budget import DEFAULT_VALUES
from mockllm.core.request.body_fields import VOLATILE
from mockllm.engine.near_misses import NOT_FOUND

DEFAULT_MAX_WAIT: Final = 60.0
"""Seconds that a request may make the server wait, by a template in a duration or its headers
(`--max-delay`)."""


class EngineSettings(Struct, frozen=True):
    """How an engine responds, beside its rules."""

    seed: int = 0
    max_wait: float = DEFAULT_MAX_WAIT
    """Seconds that a request may make the server wait."""
    max_generated: int = DEFAULT_VALUES
    """The most values that `from_schema` generates for one schema."""
    allow_overrides: bool = False
    """Whether request headers may set a fault, a delay or a rule."""
    volatile: frozenset[str] = VOLATILE
    """The fields of a body that differ from run to run, so that its hash leaves them out (`--volatile`)."""
    hash_header: bool = False
    """Whether every response carries its request's hash, not only one to a request whose hash a matcher has read."""
    unmatched_status: int = NOT_FOUND
    """The status of unmatched requests: see `NOT_FOUND`."""
    proxy_hosts: frozenset[str] | None = None
    """The hosts to which rules of packs and of the control API may forward requests; None for any."""
    time_scale: float = 1.0
    """The factor on all times of scenarios."""


DEFAULT_SETTINGS: Final = EngineSettings()
