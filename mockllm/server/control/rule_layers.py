"""The layers of rules, as the control API names them."""

from __future__ import annotations

from typing import Literal, TypeAlias

from mockllm.core.redaction import Redactor
from mockllm.scenario.catalog import CatalogItem
from mockllm.scenario.overlay import GLOBAL_LAYER, SESSION_LAYER

LayerName: TypeAlias = Literal["overlay", "session", "user", "pack"]


def layer_of(item: CatalogItem) -> tuple[LayerName, str | None]:
    """Return the layer of a rule, and the session of a rule in a session's overlay."""
    if item.layer == SESSION_LAYER and item.id.startswith("session:"):  # else a rule in the code of a test
        file = item.file_and_line.rpartition(":")[0]
        return "session", file.removeprefix("session-").removesuffix(".yaml")
    # a rule of the overlay that replaces one of a file has the layer of that one; no file has the id "overlay"
    return "overlay" if item.layer == GLOBAL_LAYER or item.id.startswith(
        "overlay:"
    ) else "pack" if item.layer > 0 else "user", None


def is_own_rule(item: CatalogItem, session: str | None) -> bool:
    """Return whether a rule is one of the user's files, of the overlay, or of the overlay of this session."""
    layer, owner = layer_of(item)
    if layer == "session":
        return session is not None and owner in (session, Redactor().session(session))
    return layer != "pack"
