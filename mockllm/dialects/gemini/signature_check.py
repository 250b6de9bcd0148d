"""The check that calls in a request have the thought signatures which Gemini 3 and later require.

The current turn begins with the last content of the user that is no result of a function. The first call of each
step of the turn needs a signature. A step is what the model says between two contents of the user.
Sources: the pages about thought signatures of the Gemini API and of Vertex AI, which also name the dummy signatures.
The wording is from public reports of November 2025 to August 2026. That `position` counts contents from 1 is inferred
from Vertex AI's wording.
"""

from __future__ import annotations

from copy import copy
from typing import Final

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of
from mockllm.core.request.typed_memo import MemoKey
from mockllm.dialects.gemini.generate_request import GenerateRequest, list_of

_MISSING: Final = (
    "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
    "correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call "
    "`default_api:{}` , position {}. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for "
    "more details."
)
_MISSING_ON_VERTEX: Final = (
    "Unable to submit request because function call `default_api:{}` in the {}. content block is missing a "
    "`thought_signature`. Learn more: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thought-signatures"
)
_DUMMY_OF_GEMINI: Final = "context_engineering_is_the_way_to_go"
"""A dummy signature that Vertex AI does not know (github.com/pydantic/pydantic-ai/issues/3881). Both services know
`skip_thought_signature_validator`."""


class TurnSignatures(Struct, eq=False):
    """What the contents so far have of signatures."""

    vertex: bool
    contents: int = 0
    """The number of contents."""
    called: bool = False
    """Whether the current step has a call."""
    unsigned: tuple[str, int] | None = None
    """The name and the position of the first call of the current turn that lacks its signature."""


_MEMO_KEYS: Final = {vertex: MemoKey[TurnSignatures]() for vertex in (False, True)}


def missing_signature(request: GenerateRequest) -> str | None:
    """Return the refusal of a call without its signature; None where each call has what it needs."""
    vertex, divided = request.vertex, request.divided_body
    if divided is None or request.snake_case:
        signatures = TurnSignatures(vertex)
        for content in list_of(request.message.get("contents")):
            _read(signatures, content)
    else:

        def start(known: TurnSignatures | None) -> TurnSignatures:
            return TurnSignatures(vertex) if known is None else copy(known)

        found = divided.reduce_turns(memo_key=_MEMO_KEYS[vertex], initial=start, step=_read)
        assert found is not None  # each content is accepted
        signatures = found
    if signatures.unsigned is None:
        return None
    return (_MISSING_ON_VERTEX if vertex else _MISSING).format(*signatures.unsigned)


def _read(signatures: TurnSignatures, content: Json) -> bool:
    """Read the next content; return True, since each one is accepted."""
    signatures.contents += 1
    fields = object_of(content)
    parts = [object_of(part) for part in list_of(fields.get("parts"))]
    if fields.get("role") != "model":
        signatures.called = False
        if _begins_turn(parts):
            signatures.unsigned = None
        return True
    for part in parts:
        call = part.get("functionCall")
        if call is not None and not signatures.called:
            signatures.called = True
            if signatures.unsigned is None and not _is_signed(part, vertex=signatures.vertex):
                signatures.unsigned = (str(object_of(call).get("name", "")), signatures.contents)
    return True


def _begins_turn(parts: list[dict[str, Json]]) -> bool:
    """Return whether parts have no result, or a text beside it."""
    results = any(part.get("functionResponse") is not None for part in parts)
    return not results or any(part.get("text") is not None for part in parts)


def _is_signed(part: dict[str, Json], *, vertex: bool) -> bool:
    signature = part.get("thoughtSignature")
    return bool(signature) and not (vertex and signature == _DUMMY_OF_GEMINI)
