"""Verdicts: judgements on how clients behave, made from their requests and the responses that they got.

`observed_request` holds one request with its outcome. `retry_chains` groups requests into chains of retries.
`catalog` is the table of verdicts. `evaluate` returns the verdicts on each client. Nothing here reads a clock.
"""

from mockllm.core.verdicts.catalog import VERDICTS, VerdictResult, VerdictType
from mockllm.core.verdicts.evaluate import ClientReport, evaluate
from mockllm.core.verdicts.observed_request import Client, ObservedRequest

__all__ = [
    "VERDICTS",
    "Client",
    "ClientReport",
    "ObservedRequest",
    "VerdictResult",
    "VerdictType",
    "evaluate",
]
