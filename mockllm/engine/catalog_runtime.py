"""What the answers from one catalog are made with: its items, how each is sent, its plans, and what is kept of them.

Apart from the engine, which finds and settles: an exchange needs this of it, and nothing else.
"""

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

WAYS: Final = 10_000
"""How many combinations of items are remembered."""


class CatalogRuntime:
    """`longest`: seconds that a request may make the server wait; `max_generated`: how many values `from_schema`
    generates for one schema."""

    def __init__(self, catalog: Catalog, longest: float, max_generated: int) -> None:
        self.catalog = catalog
        self.longest = longest
        self.planner = ResponsePlanner(max_generated)
        self.keep = ResponseCache()
        self._ways: BoundedCache[EffectiveSettings] = BoundedCache(WAYS)

    def effective_settings(
        self, item: int | None, saying: CompiledResponse, step: int, applied: Sequence[int]
    ) -> EffectiveSettings:
        """How a step of an item is sent with these modifiers: all settings that apply, the strongest first:
        by layer, then the step, its rule, the modifiers."""
        key = (item, step, tuple(applied))
        found = self._ways.get(key)
        if found is None:
            items = self.catalog.items
            modifiers = [items[number] for number in applied]
            sending = merge_settings(_layered(None if item is None else items[item], saying, modifiers))
            found = effective_settings(sending, saying, tuple(each.id for each in modifiers))
            self._ways.put(key, found)
        return found


def _layered(
    item: CatalogItem | None, saying: CompiledResponse, modifiers: Sequence[CatalogItem]
) -> list[tuple[Owner, Settings]]:
    """The settings of all these with their owners, the strongest first."""
    layered = [
        (each.layer, number, each.settings)
        for number, each in enumerate(modifiers)
        if each.settings is not None
    ]
    if item is not None and item.answers is not None:
        own = [(item.layer, SELF, saying.settings)]
        if item.settings is not None and item.settings is not saying.settings:
            own.append((item.layer, RULE, item.settings))
        layered = own + layered
    return [(owner, settings) for _, owner, settings in sorted(layered, key=lambda each: each[0])]
