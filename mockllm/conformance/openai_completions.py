"""Decodes recorded responses of OpenAI's legacy completions into replies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from mockllm.conformance import openai_chat, vendors
from mockllm.conformance.shape import Protocol, Recording, events_of
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.reply.reply import Choice, Reply, Text, Usage
from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.openai.provider import COMPLETIONS
from mockllm.dialects.providers import BY_NAME


def decode(recording: Recording) -> Reply | Failure:
    """Return the reply, or the failure, of a recording. The empty text of a chunk that ends a choice adds nothing."""
    body = recording["response"]["body"]
    if recording["response"]["status"] != 200:
        return openai_chat.decode(recording)
    if isinstance(body, dict):
        counted = body["usage"]
        usage = Usage(counted["prompt_tokens"], counted["completion_tokens"])
        return Reply(tuple(_choice([item["text"]], item["finish_reason"]) for item in body["choices"]), usage)
    chunks: dict[int, list[str]] = {}
    finish: dict[int, Json] = {}
    for _, data in events_of(body):
        for item in loads(data)["choices"] if data != "[DONE]" else ():
            number = item["index"]
            if item["text"] or item["finish_reason"] is None:
                chunks.setdefault(number, []).append(item["text"])
            finish[number] = item["finish_reason"]
    return Reply(tuple(_choice(texts, finish[number]) for number, texts in sorted(chunks.items())))


def _choice(texts: list[str], finish: Json) -> Choice:
    return Choice((Text(tuple(texts)),), "length" if finish == "length" else "stop")


def settings(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the settings that change a response's form."""
    names = ("model", "stream", "stream_options", "n", "echo")
    prompt = body.get("prompt")
    texts: Json = "x"
    if isinstance(prompt, list):
        texts = ["x" if isinstance(item, str) else item for item in prompt]
    return {"prompt": texts, **{name: body[name] for name in names if name in body}}


def kind(name: str, payload: Json) -> str:
    """Return the content kind of a chunk."""
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
    decode=decode,
    kind=kind,
    choice_key=openai_chat.choice_key,
    settings=settings,
    noise=openai_chat.PROTOCOL.noise | {"via"},
)


TOGETHER = Protocol(
    folder="together-completions",
    dialect=cast(ReplyDialect, BY_NAME["together"].call("completions").dialect),
    path=None,
    decode=decode,
    kind=kind,
    choice_key=openai_chat.choice_key,
    settings=settings,
    noise=vendors.NOISE,
    before="/together",
)
