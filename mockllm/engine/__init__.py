"""The one place where requests, rules, counts and wire formats meet: find, settle, plan.

Synchronous, and without I/O or a clock: the server hands in a Request and plays the Plan that comes back.
"""

from mockllm.engine.engine import Engine
from mockllm.engine.engine_info import About
from mockllm.engine.planned_response import Answer

__all__ = ["About", "Answer", "Engine"]
