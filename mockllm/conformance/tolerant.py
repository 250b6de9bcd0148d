"""Protocols that decode any recording as far as possible.

A protocol's own functions expect the fields that all known recordings have. Where one raises, a function that
expects nothing takes its place. That function returns the reply that the dialect itself decodes, or the failure of
the status. Its settings are the fields of the request that hold no texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ParamSpec, TypeVar

from mockllm.conformance.shape import Protocol, Recording
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import Framing, Plan, RawStep, ResponseHead
from mockllm.core.reply.reply import Choice, Finish, Part, Refusal, Reply, Text, Thinking, ToolCall, Usage
from mockllm.dialects.decoded_response import DecodedResponse

FINISHES: dict[str | None, Finish] = {
    finish: finish for finish in ("stop", "length", "tool_calls", "content_filter", "refusal")
}
TEXTLESS_FIELDS = ("model", "stream", "stream_options", "n", "max_tokens")
Arguments = ParamSpec("Arguments")
T = TypeVar("T")


def tolerant(protocol: Protocol, errors: list[str]) -> Protocol:
    """Return the protocol with functions that never raise; each failed attempt is added to `errors`."""

    def attempt(function: Callable[Arguments, T], instead: Callable[Arguments, T]) -> Callable[Arguments, T]:
        def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> T:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                errors.append(f"{type(error).__name__} {error}")
                return instead(*args, **kwargs)

        return call

    return replace(
        protocol,
        decode=attempt(protocol.decode, lambda recording: decode(protocol, recording)),
        kind=attempt(protocol.kind, lambda name, payload: name or "event"),
        choice_key=attempt(protocol.choice_key, lambda payload: None),
        settings=attempt(protocol.settings, settings),
    )


def decode(protocol: Protocol, recording: Recording) -> Reply | Failure:
    """Return what the dialect decodes of a response."""
    status, body = recording["response"]["status"], recording["response"]["body"]
    if not 200 <= status < 300:
        return Failure.of_status(status)
    read = getattr(protocol.dialect, "decode", None)
    framing, data = _framed(body)
    decoded = None if read is None else read(Plan(ResponseHead(status, ()), (RawStep(data, 0),), framing))
    if decoded is None:
        return Reply((Choice((), "stop"),) if protocol.dialect.generates else ())
    return _reply(decoded)


def _framed(body: Json | str) -> tuple[Framing, bytes]:
    """Return the bytes of a recorded body; a list is a stream of lines."""
    if isinstance(body, str):
        return Framing.SSE, body.encode()
    if isinstance(body, list):
        return Framing.NDJSON, b"".join(dumps(line) + b"\n" for line in body)
    return Framing.PLAIN, dumps(body)


def _reply(decoded: DecodedResponse) -> Reply:
    texts = ((Thinking, decoded.thinking), (Text, decoded.text), (Refusal, decoded.refusal))
    parts: list[Part] = [part((text,)) for part, text in texts if text is not None]
    parts += [ToolCall(call.name, (dumps(call.arguments).decode(),)) for call in decoded.calls]
    return Reply((Choice(tuple(parts), FINISHES.get(decoded.finish, "stop")),), decoded.usage or Usage(0, 0))


def settings(body: Mapping[str, Json]) -> Mapping[str, Json]:
    return {name: body[name] for name in TEXTLESS_FIELDS if name in body}
