"""The engine makes the response to a request from the rules, counts and wire formats: match, decide, plan.

It is synchronous, and without I/O or a clock: the server passes a `Request` in, and sends the `PlannedResponse` that
the engine returns.
"""

from mockllm.engine.engine import Engine
from mockllm.engine.engine_info import EngineInfo
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.pending_responses import DeferredResponse, UndecidedResponse
from mockllm.engine.planned_response import PlannedResponse
from mockllm.engine.settings import EngineSettings

__all__ = [
    "DeferredResponse",
    "Engine",
    "EngineInfo",
    "EngineRequest",
    "EngineSettings",
    "PlannedResponse",
    "UndecidedResponse",
]
