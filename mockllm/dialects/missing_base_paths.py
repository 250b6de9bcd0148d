"""The note on a request whose path lacks the path in the base URL of its provider's SDKs, such as `/v1`.

The server knows such paths, too. Rules see the path as it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from mockllm.dialects.listing import LISTED_BY_NAME
from mockllm.dialects.route_table import ROUTES


def missing_base_path_note(provider: str | None, path: str) -> str | None:
    """Return the note on a path that lacks the path in its provider's base URL; None for any other path."""
    base = _bases().get((provider, path))
    if base is None:
        return None
    title = LISTED_BY_NAME[provider or ""].title
    return f"{title}'s base URL ends with {base}; a rule with path: {base}/… does not match this request"


@cache
def _bases() -> Mapping[tuple[str | None, str], str]:
    """Return the base that each path lacks, by provider and path. Paths with variables are left out."""
    bases: dict[tuple[str | None, str], str] = {}
    whole = {(route.provider, path) for route in ROUTES for path in route.paths()}
    for route in ROUTES:
        base = route.listed_provider.base
        for path in route.paths() if base else ():
            bare = (route.provider, path.removeprefix(base))
            if path.startswith(f"{base}/") and "{" not in path and bare not in whole:
                bases[bare] = base
    return bases
