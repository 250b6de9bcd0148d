"""Azure's uploads in parts: OpenAI's calls below /openai, with Azure's errors.

Sources: Microsoft Foundry's REST reference (`POST /openai/v1/uploads`, `…/parts`, `…/complete`, `…/cancel`), and
`AzureOpenAI` of the openai package, which sends them below /openai with an api-version. No recording was at hand.
"""

from __future__ import annotations

from mockllm.dialects.azure.dialects import DeploymentRequest
from mockllm.dialects.openai.files.uploads import (
    AddUploadPart,
    CancelUpload,
    CompleteUpload,
    CreateUpload,
    CreateUploadRequest,
    StoredUploadRequest,
    UploadPartRequest,
)
from mockllm.dialects.vendors.errors import VendorCall


class AzureCreateUploadRequest(DeploymentRequest, CreateUploadRequest):
    pass


class AzureStoredUploadRequest(DeploymentRequest, StoredUploadRequest):
    pass


class AzureUploadPartRequest(DeploymentRequest, UploadPartRequest):
    pass


class AzureCreateUpload(VendorCall, CreateUpload):
    """POST /openai/uploads."""

    request_class = AzureCreateUploadRequest


class AzureAddUploadPart(VendorCall, AddUploadPart):
    """POST /openai/uploads/{id}/parts."""

    request_class = AzureUploadPartRequest


class AzureCompleteUpload(VendorCall, CompleteUpload):
    """POST /openai/uploads/{id}/complete."""

    request_class = AzureStoredUploadRequest


class AzureCancelUpload(VendorCall, CancelUpload):
    """POST /openai/uploads/{id}/cancel."""

    request_class = AzureStoredUploadRequest
