"""One driver for all dialects: the order of the moments of a response, and the chunk number of each."""

from __future__ import annotations

from collections.abc import Iterable

from mockllm.core.failure import Failure
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, TimedChunk, encode, timed_chunks
from mockllm.core.rendering.plan import EventKind, EventStep, RawStep, Step, WaitStep
from mockllm.core.reply.reply import Choice, NativePart, Pause, Refusal, Reply, Text, ToolCall, Verbatim


class WordEncoder(Encoder):
    """Encodes every moment as a word."""

    def start_stream(self) -> Iterable[Event]:
        return ((b"start", None),)

    def start_choice(self, choice: int) -> Iterable[Event]:
        return ((b"begin %d" % choice, None),)

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        return ((b"open %d.%d" % (at.choice, at.part_index), "opened"),)

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        return ((chunk.encode(), None),)

    def end_part(self, at: EncoderPosition) -> Iterable[Event]:
        return ((b"close %d.%d" % (at.choice, at.part_index), None),)

    def end_choice(self, choice: int) -> Iterable[Event]:
        return ((b"end %d" % choice, None),)

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        return (("usage", (b"usage", None)), ("end", (b"done", None)))

    def error_events(self, failure: Failure) -> Iterable[Event]:
        return ((failure.type.encode(), None),)


class Terse(Encoder):
    """Encodes nothing but chunks."""

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        return ((chunk.encode(), None),)


def shown(step: Step) -> str:
    if isinstance(step, WaitStep):
        return f"{step.chunk_number} wait {step.seconds} {step.explicit}"
    assert isinstance(step, (EventStep, RawStep))
    return (
        f"{step.chunk_number} raw"
        if isinstance(step, RawStep)
        else f"{step.chunk_number} {step.kind} {step.payload.decode()}"
    )


def moments(encoder: type[Encoder], *choices: Choice, broken: Failure | None = None) -> list[str]:
    return [shown(step) for step in encode(encoder(Reply(choices, failure=broken)))]


def test_one_choice_calls_all_hooks_in_order() -> None:
    assert moments(WordEncoder, Choice((Text(("a", "b")), ToolCall("f", ("{}",))))) == [
        "0 open start",
        "0 open begin 0",
        "0 open open 0.0",
        "1 chunk a",
        "2 chunk b",
        "2 close close 0.0",
        "2 open open 0.1",
        "3 chunk {}",
        "3 close close 0.1",
        "3 finish end 0",
        "3 usage usage",
        "3 end done",
    ]


def test_hooks_without_events_send_nothing() -> None:
    assert moments(Terse, Choice((Text(("a", "b")), Refusal(("c",))))) == [
        "1 chunk a",
        "2 chunk b",
        "3 chunk c",
    ]
    assert moments(Terse, Choice((Text(("a",)),)), broken=Failure("overloaded")) == ["1 chunk a"]


def test_choices_alternate_chunk_by_chunk() -> None:
    reported = moments(
        Terse, Choice((Text(("a", "b", "c")),)), Choice((Text(("x",)),)), Choice((Text(("1", "2")),))
    )
    assert reported == ["1 chunk a", "2 chunk x", "3 chunk 1", "4 chunk b", "5 chunk 2", "6 chunk c"]


def test_a_native_block_is_one_chunk_sent_by_open() -> None:
    assert moments(WordEncoder, Choice((NativePart("x", {}), Text(("a",)))))[2:5] == [
        "1 chunk open 0.0",
        "1 open open 0.1",
        "2 chunk a",
    ]


def test_waits_and_raw_bytes_are_no_chunks() -> None:
    assert moments(Terse, Choice((Text((Pause(1.0), "a", Verbatim(b"x"), Pause(2.0), "b")),))) == [
        "0 wait 1.0 True",
        "1 chunk a",
        "1 raw",
        "1 wait 2.0 True",
        "2 chunk b",
    ]


def test_an_event_has_its_name() -> None:
    assert [
        step.event
        for step in encode(WordEncoder(Reply((Choice((Text(("a",)),)),))))
        if isinstance(step, EventStep)
    ][2] == "opened"


def test_a_broken_reply_is_neither_closed_nor_finished() -> None:
    broken = Failure("overloaded")
    assert moments(WordEncoder, Choice((Text(("a",)), Text(("b",)))), broken=broken) == [
        "0 open start",
        "0 open begin 0",
        "0 open open 0.0",
        "1 chunk a",
        "1 close close 0.0",
        "1 open open 0.1",
        "2 chunk b",
        "2 error overloaded",
    ]


def test_an_unfinished_reply_has_no_finish_reason() -> None:
    class Finishing(WordEncoder):
        def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
            return (("finish", (b"why", None)), ("end", (b"done", None)))

    choices = (Choice((Text(("a",)),)), Choice((Text(("b",)),)))
    ended, endless = (
        [shown(step) for step in encode(Finishing(Reply(choices, unfinished=unfinished)))]
        for unfinished in (False, True)
    )
    assert [line for line in ended if line not in endless] == [
        "2 finish end 0",
        "2 finish end 1",
        "2 finish why",
    ]
    assert [line for line in ended if line in endless] == endless


def test_chunk_schedule_equals_encoded_chunks() -> None:
    text = Text((Pause(1.0), "a", Pause(2.0), Pause(3.0), "b", Verbatim(b"x"), Pause(4.0)))
    assert timed_chunks(Reply((Choice((text,)),))) == (
        [TimedChunk("a", 1.0, text), TimedChunk("b", 5.0, text)],
        4.0,
    )
    text, refusal = Text(("a", "b"), tokens=2), Refusal(("c",))
    two = (Choice((text,)), Choice((NativePart("x", {}), refusal)))
    reported = [
        TimedChunk("a", part=text),
        TimedChunk(""),
        TimedChunk("b", part=text),
        TimedChunk("c", part=refusal),
    ]
    assert timed_chunks(Reply(two)) == (reported, 0.0)
    assert timed_chunks(Reply(())) == ([], 0.0)
