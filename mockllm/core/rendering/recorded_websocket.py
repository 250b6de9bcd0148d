"""A recorded WebSocket as a session: each message of the client gets the messages that followed its
recorded counterpart.

The counterpart is the next recorded message of the same kind. Contents may differ: audio and times differ from run to
run. The session is pure, as those of the protocols are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.rendering.plan import (
    CutStep,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    Step,
    WaitStep,
)
from mockllm.core.rendering.websocket_frames import binary_frame, close_frame, text_frame
from mockllm.core.rendering.websocket_session import (
    NOTHING_TO_DO,
    PlayedSeconds,
    PlayMessages,
    WebSocketAction,
    nothing_played,
)
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import ObjectLookup

ABNORMAL: Final = 1006
"""The code of a connection that broke. No close frame has it (RFC 6455, section 7.4.1)."""
POLICY_VIOLATION: Final = 1008
"""The close code of a message that the recording does not have (RFC 6455, section 7.4.1)."""
OPENED: Final = "open"
"""The kind of the turn before the first message of the client."""
MAX_KIND: Final = 60
"""Characters of a kind."""
UNSTABLE: Final = frozenset({"event_id"})
"""Members of messages that differ in each run."""


class RecordedMessage(NamedTuple):
    """A message, or with `close` the end of the WebSocket by this code; `data` is the reason then. `at`: seconds from
    the handshake."""

    at: float
    data: bytes
    from_client: bool = False
    binary: bool = False
    close: int | None = None


class RecordedTurn(NamedTuple):
    """A message of the client (None: the handshake), and the messages of the server up to the client's next one."""

    kind: str
    message: RecordedMessage | None
    responses: tuple[RecordedMessage, ...]


Pace: TypeAlias = Callable[[Sequence[RecordedMessage]], Sequence[float]]
"""Returns the wait before each message of a turn."""


def turns_of(messages: Sequence[RecordedMessage]) -> tuple[RecordedTurn, ...]:
    """Return the turns of a recording, up to the client's end. The first one is what the server sends without a
    message of the client."""
    turns: list[RecordedTurn] = []
    message, responses = None, list[RecordedMessage]()
    for each in messages:
        if not each.from_client:
            responses.append(each)
        elif each.close is not None:
            break  # the end that follows is the server's reply to it
        else:
            turns.append(RecordedTurn(_kind_of(message), message, tuple(responses)))
            message, responses = each, []
    turns.append(RecordedTurn(_kind_of(message), message, tuple(responses)))
    return tuple(turns)


def _kind_of(message: RecordedMessage | None) -> str:
    return OPENED if message is None else message_kind(message.data, binary=message.binary)


def message_kind(data: bytes, *, binary: bool) -> str:
    """Return the kind of a message: its `type`, else the names of its members (as in Gemini's messages). A
    message with only one member has the name of the member inside, too."""
    try:
        value = loads(data)
    except JSONDecodeError:
        value = None
    if type(value) is not dict:
        return "binary" if binary else "text"
    kind = value.get("type")
    if type(kind) is not str:
        kind = "+".join(sorted(value))
        inner = next(iter(value.values())) if len(value) == 1 else None
        if type(inner) is dict and len(inner) == 1:
            kind += f".{next(iter(inner))}"
    return kind[:MAX_KIND]


def first_difference(left: Json, right: Json, path: str = "") -> str | None:
    """Return the path of the first value in which two messages differ; None for equal ones."""
    if type(left) is dict and type(right) is dict:
        for name in [*left, *(name for name in right if name not in left)]:
            inside = f"{path}.{name}" if path else name
            if name in UNSTABLE:
                continue
            if name not in left or name not in right:
                return inside
            found = first_difference(left[name], right[name], inside)
            if found is not None:
                return found
        return None
    if type(left) is list and type(right) is list and len(left) == len(right):
        pairs = enumerate(zip(left, right, strict=True))
        differences = (first_difference(*pair, f"{path}[{number}]") for number, pair in pairs)
        return next((found for found in differences if found is not None), None)
    return None if left == right else path or "its value"


def recorded_waits(speed: float) -> Callable[[RecordedTurn], Sequence[float]]:
    """Return the waits of a turn as recorded, `speed` times as fast."""

    def waits(turn: RecordedTurn) -> Sequence[float]:
        before, found = 0.0 if turn.message is None else turn.message.at, []
        for each in turn.responses:
            found.append(max(0.0, each.at - before) / speed)
            before = max(before, each.at)
        return found

    return waits


def paced_waits(pace: Pace) -> Callable[[RecordedTurn], Sequence[float]]:
    """Return the waits of a turn as a scenario has them."""
    return lambda turn: pace(turn.responses)


def response_plan(turns: Sequence[RecordedTurn], waits: Callable[[RecordedTurn], Sequence[float]]) -> Plan:
    """Return the messages of turns at their times."""
    sent = [each for turn in turns for each in turn.responses]
    binary = bool(sent) and all(each.binary for each in sent if each.close is None)
    steps: list[Step] = []
    number = 0
    for turn in turns:
        for wait, each in zip(waits(turn), turn.responses, strict=True):
            if wait > 0:
                steps.append(WaitStep(wait, number, explicit=True))
            if each.close is not None:
                steps += close_steps(each.close, each.data.decode("utf-8", "replace"), number)
                continue
            number += 1
            if each.binary == binary:
                steps.append(EventStep(each.data, number, "chunk"))
            else:
                frame = binary_frame if each.binary else text_frame
                steps.append(RawStep(frame(each.data), number, begins_event=True))
    return Plan(
        ResponseHead(200, ()), tuple(steps), Framing.WEBSOCKET_BINARY if binary else Framing.WEBSOCKET
    )


def close_steps(code: int, reason: str, chunk_number: int = 0) -> tuple[Step, ...]:
    """Return the steps that end a WebSocket; a connection that broke has no close frame."""
    end = CutStep("close", chunk_number)
    return (end,) if code == ABNORMAL else (RawStep(close_frame(code, reason), chunk_number), end)


class RecordedWebSocketSession:
    """The state of one WebSocket that is replayed: how far the client has come in the recording."""

    def __init__(
        self, turns: Sequence[RecordedTurn], waits: Callable[[RecordedTurn], Sequence[float]]
    ) -> None:
        self.turns, self._waits = turns, waits
        self._next = 1
        self._received = 0
        self._last = OPENED
        self._silent = frozenset(turn.kind for turn in turns if not turn.responses)

    def opening(self) -> Sequence[WebSocketAction]:
        return tuple(self._played(OPENED, b"", self.turns[:1], None))

    def receive(
        self, message: str | bytes, now: float, played: PlayedSeconds = nothing_played
    ) -> Sequence[WebSocketAction]:
        data = message.encode("utf-8", "replace") if isinstance(message, str) else message
        kind = message_kind(data, binary=isinstance(message, bytes))
        self._received += 1
        number = self._position(kind)
        if number is None:
            return NOTHING_TO_DO if kind in self._silent else (self._unexpected_message(kind, data),)
        turns = self.turns[self._next : number + 1]
        self._next, self._last = number + 1, kind
        return tuple(self._played(kind, data, turns, self._difference(kind, data, turns[-1])))

    def _position(self, kind: str) -> int | None:
        """Return the place of the next recorded message of this kind; None if the recording expects another one.
        Turns without messages of the server are skipped. So is the rest of equal kinds in a row: a client may divide
        audio differently."""
        for number in range(self._next, len(self.turns)):
            turn = self.turns[number]
            if turn.kind == kind:
                return number
            if turn.responses and turn.kind != self._last:
                return None
        return None

    def _played(
        self, kind: str, data: bytes, turns: Sequence[RecordedTurn], note: str | None
    ) -> Iterator[WebSocketAction]:
        if any(turn.responses for turn in turns):
            yield PlayMessages(kind, data, response_plan(turns, self._waits), note)

    def _difference(self, kind: str, data: bytes, turn: RecordedTurn) -> str | None:
        assert turn.message is not None, "only the opening has none"
        if not turn.responses or data == turn.message.data:
            return None
        try:
            place = first_difference(loads(turn.message.data), loads(data))
        except JSONDecodeError:
            place = "its bytes"
        text = f"message {self._received} ({kind}) differs from the recorded one: {place}"
        return None if place is None else text

    def _unexpected_message(self, kind: str, data: bytes) -> WebSocketAction:
        left = self.turns[self._next :]
        wanted = next(
            (turn.kind for turn in left if turn.responses), left[0].kind if left else "no further message"
        )
        reason = f"message {self._received} is {kind}; the recording has {wanted}"
        plan = Plan(ResponseHead(200, ()), close_steps(POLICY_VIOLATION, reason), Framing.WEBSOCKET)
        return PlayMessages(kind, data, plan, reason)

    def lookup(self, lookup: ObjectLookup) -> ObjectLookup:
        return lookup

    def messages(self, queue_name: str, request: Request, plan: Plan) -> Plan:
        return plan

    def ended(self, queue_name: str, sent: float | None) -> Sequence[WebSocketAction]:
        return NOTHING_TO_DO
