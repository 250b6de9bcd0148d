"""Mistral: the calls that its vendor's row describes, and its own: FIM, classifiers and OCR."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.dialects.mistral.classifiers import (
    ChatClassifications,
    ChatModerations,
    Classifications,
    MistralModerations,
)
from mockllm.dialects.mistral.fim import Fim
from mockllm.dialects.mistral.ocr import Ocr
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.vendors import VENDORS, provider_of

_row = next(vendor for vendor in VENDORS if vendor.name == "mistral")
_compatible = provider_of(_row)


def _own_routes() -> tuple[ProviderRoute, ...]:
    # `neutral=False`: a `NeutralRequest` becomes a request of `chat`
    fim = ProviderCall("fim", Fim(_row), operation="text_completion", neutral=False)
    ocr = ProviderCall("ocr", Ocr(_row), neutral=False)
    return (
        ProviderRoute("POST", "/v1/fim/completions", fim),
        ProviderRoute("POST", "/v1/ocr", ocr),
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


PROVIDER: Final[Provider] = replace(_compatible, routes=(*_compatible.routes, *_own_routes()))
PROVIDERS: Final = (PROVIDER,)
