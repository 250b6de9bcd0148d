"""A start without the garbage collector: it would walk what stays anyway, which takes a tenth of the time.

Apart because both the imports and the loading are such a time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def staying() -> Iterator[None]:
    """What is made in here stays: it is not looked through, now or later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
