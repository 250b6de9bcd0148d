"""The paths of the server itself, which come before those of rules."""

from __future__ import annotations

from typing import Final

RESERVED_SEGMENTS: Final = frozenset({"health", "api", "metrics", "dashboard", "ws"})
"""The first segments of the server's own paths. Rules see those of the control API if it has a separate port, and
paths below `/api` that it lacks."""

_CONTROL_PATHS: Final = (
    "climates config config/endpoints config/endpoints/{} config/global config/reset costs detailed-metrics "
    "detailed-metrics/export/csv detailed-metrics/export/json explain failure-modes files files/{} "
    "files/{}/check hunt mcp metrics metrics/latency/{} metrics/reset openapi.json overlay overlay.yaml "
    "rate-limit/reset rate-limit/reset/{} rate-limit/strategies release/{} reload requests requests/export "
    "requests/{} requests/{}/code requests/{}/conversation requests/{}/rule requests/{}/send reset rules "
    "rules/preview rules/{} sessions sessions/{} verdicts verify"
)
CONTROL_PATHS: Final = frozenset(f"/api/{path}" for path in _CONTROL_PATHS.split())
"""The paths of the control API below `/api`; `{}` is any segment."""


def has_control_call(path: str) -> bool:
    """Return whether the control API has a call at a path below `/api`; a path that it lacks goes to the rules."""
    segments = path.split("/")
    return any(
        len(known) == len(segments) and all(map(_is_same, known, segments))
        for known in (each.split("/") for each in CONTROL_PATHS)
    )


def _is_same(known: str, segment: str) -> bool:
    return known in ("{}", segment)
