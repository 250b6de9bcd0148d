"""Decodes recorded responses of Azure OpenAI into replies. Only the comparison uses it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from mockllm.conformance import openai_chat, openai_responses, vendors
from mockllm.conformance.shape import Protocol, Recording
from mockllm.core.failure import BY_STATUS, Failure
from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Reply
from mockllm.dialects.azure.provider import CHAT, FOUNDRY_CHAT, RESPONSES


def decode(recording: Recording) -> Reply | Failure:
    """Return the reply, or the failure, of a recording."""
    response = recording["response"]
    if response["status"] != 200:
        return failure_of(response["status"], response["body"])
    return vendors.decode(recording)


def failure_of(status: int, body: Mapping[str, Json]) -> Failure:
    known = {"DeploymentNotFound": "model_not_found"}
    return Failure(known.get(body["error"]["code"], BY_STATUS[status]), status)


def kind(name: str, payload: Json) -> str:
    """Return the purpose of a chunk; the first has no choice."""
    if isinstance(payload, dict) and "prompt_filter_results" in payload:
        return "filtered"
    return vendors.kind(name, payload)


NOISE = vendors.NOISE | {
    "azureai-fe-is-streaming",
    "skip-error-remapping",
    "x-accel-buffering",
    "x-ms-client-request-id",
    "x-ms-is-spilled-over",
    "x-ratelimit-abusepenalty-active",
    "x-ratelimit-key",
    "cache-control",
    "x-ms-aoai-configured-data-retention-days",
}
PROTOCOLS = (
    Protocol(
        folder="azure-chat",
        dialect=CHAT,
        path=None,
        decode=decode,
        kind=kind,
        choice_key=openai_chat.choice_key,
        settings=openai_chat.settings,
        noise=NOISE,
        others=(FOUNDRY_CHAT,),
        sent={"api-key": "x"},
        before="/azure",
    ),
    dataclasses.replace(
        openai_responses.PROTOCOL,
        folder="azure-responses",
        dialect=RESPONSES,
        path=None,
        noise=NOISE,
        sent={"api-key": "x"},
        before="/azure",
    ),
)
