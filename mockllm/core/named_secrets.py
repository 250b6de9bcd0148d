"""The secrets of JSON: texts in fields that have the name of a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mockllm.core.json.codec import Json
from mockllm.core.key_forms import SHORTEST_RANDOM, looks_random
from mockllm.core.secret_names import secret_name


def named_secrets(value: Json, names_secret: Callable[[str], bool] = secret_name) -> Iterator[str]:
    """Yield random-looking texts in fields of a JSON value that have the name of a secret."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            for name, inner in value.items():
                if type(inner) is not str:
                    waiting.append(inner)
                elif len(inner) >= SHORTEST_RANDOM and names_secret(name) and looks_random(inner):
                    yield inner
        elif type(value) is list:
            waiting += value
