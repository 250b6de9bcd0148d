"""Together's legacy completions: its changes to OpenAI's objects. From recordings of 2025 and 2026."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Usage
from mockllm.dialects.openai.completions import usage as plain_usage

SEED: Final = 9781472423286745000


def edit_completion(payload: dict[str, Json], *, usage: Usage, streamed: bool) -> None:
    """Stream a text in both the legacy and the chat form; the last chunk always contains the usage."""
    if "id" not in payload:  # an error in a stream
        return
    payload["id"] = blake2b(payload["id"].encode(), digest_size=8).hexdigest()
    ended = False
    for choice in payload["choices"]:
        ended = choice["finish_reason"] is not None
        if choice["finish_reason"] == "stop":
            choice["finish_reason"] = "eos"
        choice["seed"] = SEED if ended else None
        if streamed:
            choice["delta"] = {"token_id": 1588, "role": "assistant", "content": choice["text"]}
    if streamed:
        payload |= {"object": "completion.chunk", "usage": None}
        if ended:
            payload["usage"] = plain_usage(usage)
            usage.null_or_remove_usage(payload, "usage")
