"""Calls of OpenAI's protocol that are answered without a reply: embeddings, also of Azure and of vendors, and
moderations. The recorded request alone says what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Reply
from mockllm.dialects import azure
from mockllm.dialects.dialect import LookupDialect
from mockllm.dialects.openai import EMBEDDINGS, MODERATIONS
from tests.compatible import vendor_dialect
from tests.conformance import openai_chat, vendors
from tests.conformance.shape import Protocol, Recording

TOLD = ("type", "model", "encoding_format", "dimensions")
"""What of a request is no text of the user's."""


def said(recording: Recording) -> Reply | Failure:
    """Nothing that a scenario would say, or the failure."""
    return Reply(()) if recording["response"]["status"] == 200 else openai_chat.said(recording)


def asked(body: Mapping[str, Json]) -> Mapping[str, Json]:
    return {name: value if name in TOLD else _untold(value) for name, value in body.items()}


def _untold(value: Json) -> Json:
    if isinstance(value, dict):
        return asked(value)
    if isinstance(value, list):
        return [_untold(each) for each in value]
    return "x" if isinstance(value, str) else value


def lookup(folder: str, dialect: LookupDialect, path: str | None, before: str = "") -> Protocol:
    return Protocol(
        folder=folder,
        dialect=dialect,
        path=path,
        said=said,
        kind=lambda name, payload: "body",
        asked=asked,
        noise=openai_chat.PROTOCOL.noise | vendors.NOISE,
        before=before,
    )


def embeddings(vendor: str) -> LookupDialect:
    """A vendor's call."""
    return cast(LookupDialect, vendor_dialect(vendor, "embeddings"))


PROTOCOLS = (
    lookup("openai-embeddings", EMBEDDINGS, "/v1/embeddings"),
    lookup("openai-moderations", MODERATIONS, "/v1/moderations"),
    lookup("azure-embeddings", azure.EMBEDDINGS, None, "/azure"),
    lookup("mistral-embeddings", embeddings("mistral"), None, "/mistral"),
    lookup("openrouter-embeddings", embeddings("openrouter"), None, "/openrouter"),
)
