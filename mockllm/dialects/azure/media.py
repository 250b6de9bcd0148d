"""Azure's calls for images, speech and transcriptions: OpenAI's calls by deployment.

Paths: `AzureOpenAI` of the openai package, which puts the deployment of a form into the path only where the caller
sets `azure_deployment`. No recording was at hand.
"""

from __future__ import annotations

from mockllm.core.failure import Failure
from mockllm.core.request.request import Request
from mockllm.dialects.azure.dialects import DeploymentRequest, with_body_model
from mockllm.dialects.openai.media.images import ImageEdits, ImageGenerations
from mockllm.dialects.openai.media.images_request import ImageEditRequest, ImagesRequest
from mockllm.dialects.openai.media.speech import Speech, SpeechRequest
from mockllm.dialects.openai.media.transcription import Transcriptions, Translations
from mockllm.dialects.openai.media.transcription_request import AudioRequest, TranslationRequest
from mockllm.dialects.vendors.errors import VendorCall


class AzureImagesRequest(DeploymentRequest, ImagesRequest):
    pass


class AzureImageEditRequest(DeploymentRequest, ImageEditRequest):
    pass


class AzureSpeechRequest(DeploymentRequest, SpeechRequest):
    pass


class AzureTranscriptionRequest(DeploymentRequest, AudioRequest):
    pass


class AzureTranslationRequest(DeploymentRequest, TranslationRequest):
    pass


class DeploymentCheck(VendorCall):
    """Checks a request with the deployment as the model."""

    def check(self, request: Request) -> Failure | None:
        return super().check(with_body_model(request))  # type: ignore[misc,no-any-return]  # of OpenAI's call


class AzureImages(DeploymentCheck, ImageGenerations):
    """POST /openai/deployments/{deployment}/images/generations."""

    request_class = AzureImagesRequest


class AzureImageEdits(DeploymentCheck, ImageEdits):
    """POST …/images/edits."""

    request_class = AzureImageEditRequest


class AzureSpeech(DeploymentCheck, Speech):
    """POST …/audio/speech."""

    request_class = AzureSpeechRequest


class AzureTranscriptions(DeploymentCheck, Transcriptions):
    """POST …/audio/transcriptions."""

    request_class = AzureTranscriptionRequest


class AzureTranslations(DeploymentCheck, Translations):
    """POST …/audio/translations."""

    request_class = AzureTranslationRequest
