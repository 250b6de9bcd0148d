"""Azure's call that creates a batch: OpenAI's call below /openai, with Azure's errors.

Each line of a batch names a deployment as its model and is served by that deployment's call. Sources: Azure's
reference of version 2024-10-21, whose examples have `/chat/completions` as endpoint and URL, and its guide to
batches, whose newer examples have OpenAI's paths. No recording was at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from propcache.api import cached_property

from mockllm.core.batch import BatchLine
from mockllm.core.json.typed_values import text_of
from mockllm.dialects.azure.dialects import DeploymentRequest
from mockllm.dialects.batch_input import read_body, read_members, scalar
from mockllm.dialects.openai.batches.batch_calls import FIELDS, BatchRequest, CreateBatch
from mockllm.dialects.openai.batches.input_lines import InputLines, read_lines
from mockllm.dialects.openai.validators import Check, one_of
from mockllm.dialects.vendors.errors import VendorCall

DEPLOYED: Final = ("/chat/completions", "/completions", "/embeddings")
"""The endpoints of batches whose lines are served below their deployment's path."""
PATHS: Final = (*DEPLOYED, "/responses")
ENDPOINTS: Final = (*PATHS, *(f"/v1{path}" for path in PATHS))
"""A client may write `/v1` before each endpoint."""


class AzureBatchRequest(DeploymentRequest, BatchRequest):
    @cached_property
    def input_lines(self) -> InputLines:
        endpoint = text_of(self.fields.get("endpoint"))
        if endpoint not in ENDPOINTS:
            return read_lines(self.input_content, ())
        path = endpoint.removeprefix("/v1")
        keys, lines, errors = read_lines(self.input_content, (path, f"/v1{path}"))
        return InputLines(keys, [line._replace(path=_line_path(line, path)) for line in lines], errors)


def _line_path(line: BatchLine, path: str) -> str:
    """Return the path of a line: that of its deployment, or of OpenAI's version where it names none."""
    members = read_members(line.body, read_body)
    model = None if members is None else text_of(scalar(members.model))
    if model and path in DEPLOYED:
        return f"/openai/deployments/{quote(model, safe='')}{path}"
    return f"/openai/v1{path}"


class AzureCreateBatch(VendorCall, CreateBatch):
    """POST /openai/batches."""

    request_class = AzureBatchRequest
    checks: Mapping[str, Check] = {**FIELDS, "endpoint": one_of(*ENDPOINTS)}
