"""The messages that a protocol reads from the turns of a body, one turn after another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.core.request.divided_bodies import DividedBody
from mockllm.core.request.messages import Message, MessagePart
from mockllm.core.request.prompt_tokens import estimate_parts
from mockllm.core.request.stored_objects import ObjectLookup
from mockllm.core.request.typed_memo import MemoKey


class ReadTurns(Struct, eq=False):
    """The messages so far, and the tools of their calls by the calls' ids. `tokens` are those of their parts, if they
    are `counted`. `joined` has the parts of the last message while adjacent ones are joined: see `finish`."""

    messages: list[Message] = field(default_factory=list)
    tools_by_call_id: dict[str, str | None] = field(default_factory=dict)
    tokens: int = 0
    counted: bool = False
    joined: list[MessagePart] = field(default_factory=list)

    def add(self, message: Message) -> None:
        """Add a message."""
        if self.joined:
            self.finish()
        self.messages.append(message)
        if self.counted:
            self.tokens += estimate_parts(message.parts)

    def join(self, message: Message) -> None:
        """Add a message; adjacent messages of the assistant are one."""
        messages = self.messages
        if messages and messages[-1].role == message.role == "assistant":
            if not self.joined:  # a tuple of each message so far would take quadratic time
                self.joined += messages[-1].parts
            self.joined += message.parts
            if self.counted:
                self.tokens += estimate_parts(message.parts)
        else:
            self.add(message)

    def finish(self) -> None:
        """Set the parts of the last message, which was joined."""
        self.messages[-1] = Message("assistant", tuple(self.joined))
        self.joined = []


TurnReader: TypeAlias = Callable[[ReadTurns, Json, ObjectLookup], None]
"""A function that reads a turn, which is one item of the body's list, and adds its messages to the `ReadTurns`."""
_MEMO_KEYS: Final = defaultdict[TurnReader, MemoKey[ReadTurns]](MemoKey)
"""The key of what each function read."""


class _UsedLookup(ObjectLookup):
    """Notes that a call was looked up: what was read then depends on more than the turns."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used = False

    def tool_by_call_id(self, id: str) -> str | None:
        self.used = True
        return None


def read_turns(items: Sequence[Json], read_turn: TurnReader, lookup: ObjectLookup) -> ReadTurns:
    """Read all turns."""
    turns = ReadTurns()
    for item in items:
        read_turn(turns, item, lookup)
    _finish(turns)
    return turns


def read_new_turns(divided: DividedBody, read_turn: TurnReader) -> ReadTurns | None:
    """Read the turns that earlier bodies did not have, and continue with what was read then. None if a turn refers to
    a call that only a stored response has."""

    lookup = _UsedLookup()

    def step(turns: ReadTurns, item: Json) -> bool:
        read_turn(turns, item, lookup)
        return not lookup.used

    return divided.reduce_turns(
        memo_key=_MEMO_KEYS[read_turn], initial=_initial_turns, step=step, finish=_finish
    )


def _finish(turns: ReadTurns) -> None:
    if turns.joined:
        turns.finish()


def _initial_turns(turns: ReadTurns | None) -> ReadTurns:
    if turns is None:
        return ReadTurns(counted=True)
    return ReadTurns(turns.messages.copy(), turns.tools_by_call_id.copy(), turns.tokens, counted=True)
