"""What only the garbage collector frees."""

from __future__ import annotations

import gc


def unreachable_objects() -> list[object]:
    """Collect the garbage, and return what of it is of mockllm. Other threads of a test run may leave cycles of their
    own at any time."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return [each for each in gc.garbage if _module(each).partition(".")[0] == "mockllm"]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def _module(value: object) -> str:
    """Return the module of a function or class, and that of the class of any other object."""
    return str(getattr(value, "__module__", None) or type(value).__module__)
