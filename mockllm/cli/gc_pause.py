"""A start without garbage collection. A collection would scan objects that stay anyway: a tenth of the time.

A separate module, because both the imports and the loading use it.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause the collector. Objects created inside are exempt from later collections too."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
