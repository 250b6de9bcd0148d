"""Whether the constant place of a fault is beyond the end of a constant reply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from mockllm.core.faults.base import Fault, ReplyFault
from mockllm.core.faults.chunk_fault import ChunkFault
from mockllm.core.faults.fault_points import ChunkPoint, GapPoint
from mockllm.core.faults.meaning import ReplyPosition
from mockllm.core.faults.meaning_tool_calls import CallFault
from mockllm.core.values.dynamic import Dynamic
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.content import ErrorChunk
from mockllm.scenario.language.reply import ChoiceSpec, ReplySpec
from mockllm.scenario.language.settings import FaultSpec

_CHUNKS_ALONE: Final = frozenset({"chunks", "finish_reason", "model", "usage", "extras", "citations"})
"""The keys of a reply all of whose chunks are written."""
_CHUNKS_UNCHANGED: Final = ("connection", "http")
"""The families of faults that neither add chunks nor calls."""
SEVERAL: Final = "unless a request asks for several choices"


def beyond_the_end(response: object, fault: Fault, before: Iterable[Spec]) -> str | None:
    """Return why a reply ends before the place of a fault; None if it may have that place. `before` are the faults
    that are applied first."""
    reply = getattr(response, "reply", None)
    if not isinstance(reply, ReplySpec) or any(_changes_reply(each) for each in before):
        return None
    if isinstance(fault, CallFault):
        calls = _call_count(reply)
        return _only(calls, "call") if calls is not None and _is_beyond(fault.call, calls) else None
    chunks, wanted = _chunk_count(reply), _wanted_chunks(fault)
    if chunks is None or not _is_beyond(wanted, chunks):
        return None
    of_one_choice = isinstance(getattr(fault, "after", None), ReplyPosition)
    return _only(chunks, "chunk") if of_one_choice else f"{_only(chunks, 'chunk')}, {SEVERAL}"


def applied_before(faults: Sequence[FaultSpec], index: int) -> Iterator[FaultSpec]:
    """Yield the faults of a list that are applied before the one at an index. Those of earlier groups are, and those
    before it in its group. The groups are those of the planner."""
    group = _group(faults[index])
    for number, each in enumerate(faults):
        if (_group(each), number) < (group, index):
            yield each


def _group(spec: FaultSpec) -> int:
    """Return whether a fault changes the reply of the rule (0), the supported reply (1) or the plan (2)."""
    faults = [getattr(spec, name) for name in spec.model_fields_set]
    of_reply = [each.applies_after_supported_reply for each in faults if isinstance(each, ReplyFault)]
    return max(of_reply) if of_reply else 2


def _changes_reply(fault: Spec) -> bool:
    return any(getattr(fault, name).family not in _CHUNKS_UNCHANGED for name in fault.model_fields_set)


def _is_beyond(wanted: object, count: int) -> bool:
    """Return whether a place is a constant after the end."""
    return isinstance(wanted, int) and wanted > count


def _only(count: int, unit: str) -> str:
    return f"the reply has only {count} {unit}{'s' if count != 1 else ''}"


def _wanted_chunks(fault: Fault) -> object:
    """Return the number of chunks that a fault needs; it may be a template or drawn."""
    at, after = getattr(fault, "at", None), getattr(fault, "after", None)
    if isinstance(at, ChunkPoint):
        further = fault.further_chunks if isinstance(fault, ChunkFault) else 0
        return at.chunk + further if isinstance(at.chunk, int) else at.chunk
    return after.chunks if isinstance(after, GapPoint | ReplyPosition) else None


def _chunk_count(reply: ReplySpec) -> int | None:
    """Return the number of chunks of a reply that consists of them; None for any other reply."""
    if "chunks" not in reply.model_fields_set or reply.model_fields_set - _CHUNKS_ALONE:
        return None
    chunks: Sequence[object] = reply.chunks or ()
    end = next((number for number, each in enumerate(chunks) if isinstance(each, ErrorChunk)), len(chunks))
    return sum(isinstance(each, str | Dynamic) for each in chunks[:end])


def _call_count(reply: ReplySpec) -> int | None:
    """Return the most calls that a choice makes; None where calls are generated."""
    counts = [_calls_of(choice) for choice in reply.choices or (reply,)]
    return None if None in counts else max(count for count in counts if count is not None)


def _calls_of(choice: ChoiceSpec) -> int | None:
    listed = [choice.tool_calls, *(part.tool_calls for part in choice.parts or ())]
    if any(isinstance(each, Dynamic) for each in listed):
        return None
    return sum(len(each) for each in listed if isinstance(each, list))
