"""Mistral: the calls that its vendor's row describes, and its own: FIM, classifiers, OCR, audio, files
and batch jobs."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.dialects.mistral.batches import (
    MistralCancelJob,
    MistralCreateJob,
    MistralDeleteJob,
    MistralGetJob,
    MistralJobs,
)
from mockllm.dialects.mistral.classifiers import (
    ChatClassifications,
    ChatModerations,
    Classifications,
    MistralModerations,
)
from mockllm.dialects.mistral.files import (
    MistralDeleteFile,
    MistralFile,
    MistralFileContent,
    MistralFiles,
    MistralFileUrl,
    MistralUploadFile,
)
from mockllm.dialects.mistral.fim import Fim
from mockllm.dialects.mistral.ocr import Ocr
from mockllm.dialects.mistral.speech import MistralSpeech
from mockllm.dialects.mistral.transcription import MistralTranscriptions
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.vendors import VENDORS, provider_of

_row = next(vendor for vendor in VENDORS if vendor.name == "mistral")
_compatible = provider_of(_row)
_unlimited = replace(
    _row, headers={name: value for name, value in _row.headers.items() if not name.startswith("x-ratelimit")}
)
"""The row of the calls on files and batch jobs: their responses have no headers of limits, as recorded."""


def _own_routes() -> tuple[ProviderRoute, ...]:
    # `neutral=False`: a `NeutralRequest` becomes a request of `chat`
    fim = ProviderCall("fim", Fim(_row), operation="text_completion", neutral=False)
    ocr = ProviderCall("ocr", Ocr(_row), neutral=False)
    return (
        ProviderRoute("POST", "/v1/fim/completions", fim),
        ProviderRoute("POST", "/v1/ocr", ocr),
        ProviderRoute(
            "POST", "/v1/audio/transcriptions", ProviderCall("transcriptions", MistralTranscriptions(_row))
        ),
        ProviderRoute("POST", "/v1/audio/speech", ProviderCall("speech", MistralSpeech(_row))),
        ProviderRoute("POST", "/v1/moderations", ProviderCall("moderations", MistralModerations(_row))),
        ProviderRoute(
            "POST", "/v1/chat/moderations", ProviderCall("chat_moderations", ChatModerations(_row))
        ),
        ProviderRoute("POST", "/v1/classifications", ProviderCall("classifications", Classifications(_row))),
        ProviderRoute(
            "POST",
            "/v1/chat/classifications",
            ProviderCall("chat_classifications", ChatClassifications(_row)),
        ),
    )


def _stored_routes() -> tuple[ProviderRoute, ...]:
    """Return the calls on files and batch jobs."""
    file, job = "/v1/files/{file}", "/v1/batch/jobs/{job}"
    calls = (
        ("POST", "/v1/files", "files", MistralUploadFile),
        ("GET", "/v1/files", "list_files", MistralFiles),
        ("GET", file, "get_file", MistralFile),
        ("DELETE", file, "delete_file", MistralDeleteFile),
        ("GET", f"{file}/content", "file_content", MistralFileContent),
        ("GET", f"{file}/url", "file_url", MistralFileUrl),
        ("POST", "/v1/batch/jobs", "batches", MistralCreateJob),
        ("GET", "/v1/batch/jobs", "list_batches", MistralJobs),
        ("GET", job, "get_batch", MistralGetJob),
        ("DELETE", job, "delete_batch", MistralDeleteJob),
        ("POST", f"{job}/cancel", "cancel_batch", MistralCancelJob),
    )
    return tuple(
        ProviderRoute(method, path, ProviderCall(id, dialect(_unlimited)))
        for method, path, id, dialect in calls
    )


PROVIDER: Final[Provider] = replace(
    _compatible, routes=(*_compatible.routes, *_own_routes(), *_stored_routes())
)
PROVIDERS: Final = (PROVIDER,)
