"""All that responses from one catalog are made with, apart from the state that decides between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockllm.engine.bounded_cache import BoundedCache
from mockllm.engine.effective_settings import EffectiveSettings, effective_settings
from mockllm.engine.planner import ResponsePlanner
from mockllm.engine.response_cache import ResponseCache
from mockllm.scenario.catalog import Catalog, CatalogItem, CompiledResponse
from mockllm.scenario.language.settings import Settings
from mockllm.scenario.settings_merge import RULE, SELF, Owner, merge_settings

MAX_CACHED_SETTINGS: Final = 10_000
"""Combinations of a step and modifiers whose effective settings are cached."""


class CatalogRuntime:
    """A catalog, its response cache, and what makes its plans.

    `longest`: seconds that a request may make the server wait; `max_generated`: how many values `from_schema`
    generates for one schema.
    """

    def __init__(self, catalog: Catalog, longest: float, max_generated: int) -> None:
        self.catalog = catalog
        self.longest = longest
        self.cache = ResponseCache()
        self.planner = ResponsePlanner(self.cache, max_generated)
        self._settings: BoundedCache[EffectiveSettings] = BoundedCache(MAX_CACHED_SETTINGS)

    def effective_settings(
        self, item: int | None, response: CompiledResponse, step: int, applied: Sequence[int]
    ) -> EffectiveSettings:
        """Return the effective settings of a step of an item with these modifiers.

        The strongest setting wins: by layer, then the step's, its rule's, the modifiers'.
        """
        key = (item, step, tuple(applied))
        settings = self._settings.get(key)
        if settings is None:
            items = self.catalog.items
            modifiers = [items[number] for number in applied]
            merged = merge_settings(_layered(None if item is None else items[item], response, modifiers))
            settings = effective_settings(merged, response, tuple(modifier.id for modifier in modifiers))
            self._settings.put(key, settings)
        return settings


def _layered(
    item: CatalogItem | None, response: CompiledResponse, modifiers: Sequence[CatalogItem]
) -> list[tuple[Owner, Settings]]:
    """Return the settings of all these with their owners, the strongest first."""
    layered = [
        (modifier.layer, number, modifier.settings)
        for number, modifier in enumerate(modifiers)
        if modifier.settings is not None
    ]
    if item is not None and item.answers is not None:
        own = [(item.layer, SELF, response.settings)]
        if item.settings is not None and item.settings is not response.settings:
            own.append((item.layer, RULE, item.settings))
        layered = own + layered
    return [(owner, settings) for _, owner, settings in sorted(layered, key=lambda entry: entry[0])]
