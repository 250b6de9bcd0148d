"""What a generating call's protocol can express. The shared tests go by it, and the engine by `unsupported_parts`."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from mockllm.core.rendering.plan import Framing

SSE: Final = frozenset({Framing.SSE})


class Capabilities(Struct, frozen=True):
    """The defaults are OpenAI's chat. `build_request` leaves out the neutral words that a protocol lacks, and
    `supported_reply` the parts of a reply."""

    # --- requests ---
    conversation: bool = True
    """Turns, a system text, tools and a response format; legacy completions take a bare prompt."""
    tool_choice: bool = True
    stop: bool = True
    """Stop sequences."""
    choices: bool = True
    """Several choices (`n`)."""
    json_object: bool = True
    """JSON without a schema as the response format."""
    closed_schemas: bool = False
    """Whether each object of a response's schema must forbid other properties: `build_request` adds that."""

    # --- replies ---
    unsupported_parts: frozenset[str] = frozenset()
    """The words of a reply without a form: `citations`, `images`. A note in the log names those left out."""
    refusal: bool = True
    """Whether a client can tell a refusal from a text."""
    chunked_calls: bool = True
    """Whether a stream sends a call's arguments in chunks; else whole."""
    invalid_arguments: bool = True
    """Whether a call can have arguments that are no JSON; else such a call is left out."""
    cached_read: bool = True
    cache_write: bool = True
    reasoning: bool = True
    """Whether the usage counts input tokens read from a cache, those written to one, and reasoning tokens."""
    framings: frozenset[Framing] = SSE
    """How its streams frame events. A framing is a row of `core/rendering/framing.py`."""
