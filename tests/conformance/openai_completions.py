"""What a recorded answer of OpenAI's legacy completions says, in neutral words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from mockllm.core.json.codec import Json, loads
from mockllm.core.reply.reply import Choice, Reply, Text, Usage
from mockllm.dialects.dialect import GeneratingDialect
from mockllm.dialects.openai import COMPLETIONS
from tests.compatible import vendor_dialect
from tests.conformance import openai_chat, vendors
from tests.conformance.shape import Protocol, Recording, events_of


def said(recording: Recording) -> Reply:
    """The reply that a recording holds. The empty text of a chunk that ends a choice says nothing."""
    body = recording["response"]["body"]
    if isinstance(body, dict):
        counted = body["usage"]
        usage = Usage(counted["prompt_tokens"], counted["completion_tokens"])
        return Reply(tuple(_choice([each["text"]], each["finish_reason"]) for each in body["choices"]), usage)
    pieces: dict[int, list[str]] = {}
    finish: dict[int, Any] = {}
    for _, data in events_of(body):
        for each in loads(data)["choices"] if data != "[DONE]" else ():
            number = each["index"]
            if each["text"] or each["finish_reason"] is None:
                pieces.setdefault(number, []).append(each["text"])
            finish[number] = each["finish_reason"]
    return Reply(tuple(_choice(texts, finish[number]) for number, texts in sorted(pieces.items())))


def _choice(texts: list[str], finish: Any) -> Choice:
    return Choice((Text(tuple(texts)),), "length" if finish == "length" else "stop")


def asked(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """The settings that change an answer's form."""
    kept = ("model", "stream", "stream_options", "n", "echo")
    prompt = body.get("prompt")
    texts: Json = "x"
    if isinstance(prompt, list):
        texts = ["x" if isinstance(each, str) else each for each in prompt]
    return {"prompt": texts, **{name: body[name] for name in kept if name in body}}


def kind(name: str, payload: Json) -> str:
    """Chunks by what they carry."""
    if payload == "[DONE]":
        return "done"
    choices = payload["choices"]
    if not choices:
        return "usage"
    return "text" if choices[0]["finish_reason"] is None else "finish"


PROTOCOL = Protocol(
    folder="openai-completions",
    dialect=COMPLETIONS,
    path="/v1/completions",
    said=said,
    kind=kind,
    lane=openai_chat.lane,
    asked=asked,
    noise=openai_chat.PROTOCOL.noise | {"via"},
)


TOGETHER = Protocol(
    folder="together-completions",
    dialect=cast(GeneratingDialect, vendor_dialect("together", "completions")),
    path=None,
    said=said,
    kind=kind,
    lane=openai_chat.lane,
    asked=asked,
    noise=vendors.NOISE,
    before="/together",
)
