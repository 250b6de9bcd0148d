"""The routes of all providers in one table, and the base URLs of their SDKs. `router.py` finds the route of a
request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Final

from msgspec import Struct

from mockllm.dialects.dialect import Dialect
from mockllm.dialects.listing import LISTED_PROVIDERS, ListedCall, ListedProvider


class Route(Struct, frozen=True):
    """A route of the table: a method and a path of one provider's call."""

    listed_provider: ListedProvider
    method: str
    path: str
    call: ListedCall
    needs_prefix: bool
    """Whether this path is known after the provider's prefix only."""

    @property
    def provider(self) -> str:
        return self.listed_provider.name

    @property
    def dialect(self) -> Dialect:
        return self.call.dialect

    @property
    def line(self) -> str:
        """The method and path for a person, with the prefix where the path needs one."""
        return f"{self.method} {f'/{self.provider}' if self.needs_prefix else ''}{self.path}"

    def paths(self) -> Iterator[str]:
        """Return the path with each of its alternatives."""
        parts = re.split(r"\(([^)]*)\)", self.path)
        for chosen in product(
            *(part.split("|") if place % 2 else [part] for place, part in enumerate(parts))
        ):
            yield "".join(chosen)


ROUTES: Final = tuple(
    Route(
        provider,
        route.method,
        route.path,
        provider.calls[route.call_id],
        provider.needs_prefix or route.needs_prefix,
    )
    for provider in LISTED_PROVIDERS
    for route in provider.routes
)
BASE_PATHS: Final = {provider.name: provider.base for provider in LISTED_PROVIDERS}
"""The path in the base URL of each provider's SDKs."""
SHOWN_BASE_PATHS: Final = tuple(
    (provider.title, provider.base) for provider in LISTED_PROVIDERS if provider.base_url_shown
)
"""The providers that `GET /` shows: the title of each, and the path in the base URL of its SDKs."""


def spellings(route: Route) -> Iterator[tuple[str, str]]:
    """Return each prefix of a route's path with each spelling of the path after it."""
    base = route.listed_provider.omittable_path_start
    for path in route.paths():
        for spelling in dict.fromkeys((path, path.removeprefix(base))):
            for prefix in (f"/{route.provider}",) if route.needs_prefix else ("", f"/{route.provider}"):
                yield prefix, spelling
