"""The control API under `/api`: shows the requests of a running server and changes its behaviour.

The request path does not import this package; the server loads it with the first call.
"""

from mockllm.server.control.access import Access
from mockllm.server.control.api import ControlApi
from mockllm.server.control.context import ControlContext

__all__ = ["Access", "ControlApi", "ControlContext"]
