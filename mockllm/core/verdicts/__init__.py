"""How clients behave: verdicts on what they did, found in the requests that came and how their answers went.

`deed` is one request with what became of it, `tries` those that ask for the same behind a failure, `verdicts`
the table of what may be said of them, and `judge` says it. Nothing here looks at a clock.
"""

from mockllm.core.verdicts.catalog import VERDICTS, VerdictResult, VerdictType
from mockllm.core.verdicts.client import Client
from mockllm.core.verdicts.evaluate import ClientReport, evaluate
from mockllm.core.verdicts.observed_request import ObservedRequest

__all__ = [
    "VERDICTS",
    "Client",
    "ClientReport",
    "ObservedRequest",
    "VerdictResult",
    "VerdictType",
    "evaluate",
]
