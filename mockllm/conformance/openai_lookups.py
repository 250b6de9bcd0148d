"""Calls of OpenAI's protocol without a reply: embeddings, also of Azure and of vendors, and moderations. The
recorded request alone determines the response.
"""

from __future__ import annotations

from typing import cast

from mockllm.conformance import openai_chat, vendors
from mockllm.conformance.shape import Protocol, Recording, without_texts
from mockllm.core.failure import Failure
from mockllm.core.reply.reply import Reply
from mockllm.dialects import azure
from mockllm.dialects.dialect import OwnResponseDialect
from mockllm.dialects.openai import EMBEDDINGS, MODERATIONS
from mockllm.dialects.providers import BY_NAME

TEXTLESS_FIELDS = ("type", "model", "encoding_format", "dimensions")
"""The request fields that contain no texts of the user."""


def decode(recording: Recording) -> Reply | Failure:
    """Return an empty reply, or the failure. An error of Azure's gateway has other fields."""
    if recording["response"]["status"] == 200:
        return Reply(())
    error = recording["response"]["body"]["error"]
    known = {"param", "code"} <= error.keys()
    return openai_chat.decode(recording) if known else Failure.of_status(recording["response"]["status"])


def lookup(folder: str, dialect: OwnResponseDialect, path: str | None, before: str = "") -> Protocol:
    return Protocol(
        folder=folder,
        dialect=dialect,
        path=path,
        decode=decode,
        kind=lambda name, payload: "body",
        settings=lambda body: without_texts(body, TEXTLESS_FIELDS),
        noise=openai_chat.PROTOCOL.noise | vendors.NOISE,
        before=before,
    )


def embeddings(vendor: str) -> OwnResponseDialect:
    """Return a vendor's embeddings call."""
    return cast(OwnResponseDialect, BY_NAME[vendor].call("embeddings").dialect)


PROTOCOLS = (
    lookup("openai-embeddings", EMBEDDINGS, "/v1/embeddings"),
    lookup("openai-moderations", MODERATIONS, "/v1/moderations"),
    lookup("azure-embeddings", azure.EMBEDDINGS, None, "/azure"),
    lookup("mistral-embeddings", embeddings("mistral"), None, "/mistral"),
    lookup("perplexity-embeddings", embeddings("perplexity"), None, "/perplexity"),
    lookup("openrouter-embeddings", embeddings("openrouter"), None, "/openrouter"),
)
