"""The one place where requests, rules, counts and wire formats meet: find, settle, plan.

Synchronous, and without I/O or a clock: the server hands in a Request and plays the Plan that comes back.
"""

from mockllm.engine.engine import Engine
from mockllm.engine.engine_info import EngineInfo
from mockllm.engine.planned_response import PlannedResponse

__all__ = ["Engine", "EngineInfo", "PlannedResponse"]
