"""The control API: see what a running server did, and change what it does, under `/api`.

Apart from the way of a request: nothing here is asked before somebody asks for it.
"""

from mockllm.server.control.access import Access
from mockllm.server.control.control import ControlApi

__all__ = ["Access", "ControlApi"]
