"""Refuses the unknown fields of a body, as OpenAI's service does (`validation: exact`).

Chat, legacy completions, embeddings and moderations name all of them in one message. Responses and images name the
first one, with a code. Fields in fields are not walked. Sources: a recording (`unknown_parameter`), and public
reports of 2023 to 2026 with the error's object. The form for moderations is inferred from that for embeddings.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.request.request import Request
from mockllm.dialects.openai.validators import refuse

_FIRST_ONLY: Final = frozenset({"responses", "images", "image_edits", "image_variations"})
_ALL_AT_ONCE: Final = frozenset({"chat", "completions", "embeddings", "moderations"})


def refuse_inexact(request: Request) -> Failure | None:
    """Return the failure of a body with unknown fields; None for one without, and for other calls."""
    if request.api in _FIRST_ONLY:
        first = next(iter(request.undocumented_fields), None)
        return None if first is None else refuse(f"Unknown parameter: '{first}'.", first, "unknown_parameter")
    if request.api not in _ALL_AT_ONCE or not request.undocumented_fields:
        return None
    names = sorted(request.undocumented_fields)
    arguments = "argument" if len(names) == 1 else "arguments"
    return refuse(f"Unrecognized request {arguments} supplied: {', '.join(names)}")
