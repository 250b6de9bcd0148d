"""The calls on vLLM's server: GET /version, GET /health, GET and POST /ping, GET /load.

Sources: `vllm/entrypoints/serve/instrumentator/basic.py` (`/version`, `/load`) and `health.py` (`/health`; `/ping`
of the SageMaker router). `/load` counts requests only with `--enable-server-load-tracking`; else it is 0, as here.
vLLM's own sources have no `/health/ready`, which gateways in front of it request: it responds as `/health` does.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity, UncheckedCall
from mockllm.dialects.vendors.errors import VendorCall, head
from mockllm.dialects.vllm.vendor import VENDOR

VERSION: Final = "0.29.0"
"""A version of 2026; the responses are those of the sources named in each module."""


class VllmServerRequest(Request):
    dialect = "openai"
    api = "server"


class VllmServerCall(UncheckedCall, VendorCall):
    """A call without a body. `body` is the response; None: an empty one."""

    name = "openai"
    api = "server"
    request_class = VllmServerRequest

    def __init__(self, body: Json = None) -> None:
        super().__init__(VENDOR)
        self.body = body

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        if self.body is None:
            return Plan(ResponseHead(200, ()), (EventStep(b"", 0, "body"),))
        return Plan(
            head(self.vendor, identity, "application/json"), (EventStep(dumps(self.body), 0, "body"),)
        )
