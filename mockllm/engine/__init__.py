"""The one place where requests, rules, counts and wire formats meet: find, settle, plan.

Synchronous, and without I/O or a clock: the server hands in a Request and plays the Plan that comes back.
"""

from mockllm.engine.about import About
from mockllm.engine.answer import Answer
from mockllm.engine.engine import Engine

__all__ = ["About", "Answer", "Engine"]
