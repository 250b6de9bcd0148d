"""Deep merging of JSON values."""

from __future__ import annotations

from mockllm.core.json.codec import Json


def merged_json(base: Json, more: Json) -> Json:
    """Return `base` with `more` in it. Objects are merged member by member, and lists of objects item by item. Any
    other value of `more` replaces that of `base`."""
    if type(base) is dict and type(more) is dict:
        both = {name: merged_json(base[name], value) for name, value in more.items() if name in base}
        return {**base, **more, **both}
    if type(base) is list and type(more) is list and all(type(item) is dict for item in (*base, *more)):
        items = [merged_json(*pair) for pair in zip(base, more, strict=False)]
        return items + base[len(items) :] + more[len(items) :]
    return more
