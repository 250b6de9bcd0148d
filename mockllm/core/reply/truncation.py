"""Where an answer is cut short: at a stop sequence, at the tokens that the request allows, or where a fault
cuts it.

A provider's model never says what lies behind these, so the cut is made on the reply, for every protocol.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.reply.citations import clipped
from mockllm.core.reply.reply import (
    Call,
    Choice,
    ContentChunk,
    Media,
    NativePart,
    Part,
    Refusal,
    Text,
    Thinking,
    joined_text,
)
from mockllm.core.request.request import Sampling
from mockllm.core.tokens import estimate, split

SHORT: Final = 200
"""Characters up to which a text's tokens are told apart one by one; in longer texts they are estimated, which is
nearer for most languages, and two tokens more or less do not show."""


def count(text: str) -> int:
    """The tokens of a text that is said."""
    return len(split(text)) if len(text) <= SHORT else estimate(text)


def tokens_of(part: Part) -> int:
    """The tokens of a part: as its maker counted them, else counted here."""
    if type(part) is Text:
        if part.tokens is not None:
            return part.tokens
        return count(part.whole if part.whole is not None else joined_text(part.chunks))
    pieces: tuple[ContentChunk, ...] = getattr(part, "chunks", ())
    return count(getattr(part, "name", "") + joined_text(pieces))


def cut_short(choice: Choice, sampling: Sampling) -> Choice:
    """The choice as a model would have left it that stops at `sampling.stop` or after `max_tokens` tokens.
    Thinking counts against the tokens; a stop sequence is looked for in the text alone."""
    choice = _stopped(choice, sampling.stop) if sampling.stop else choice
    return choice if sampling.max_tokens is None else _limited(choice, sampling.max_tokens)


def _stopped(choice: Choice, stops: tuple[str, ...]) -> Choice:
    for index, part in enumerate(choice.parts):
        if type(part) is not Text:
            continue
        text = joined_text(part.chunks)
        found = [(text.find(stop), stop) for stop in stops if stop and stop in text]
        if found:
            place, stop = min(found)
            parts = (
                *choice.parts[:index],
                Text(keep(part.chunks, place), citations=clipped(part.citations, place)),
            )
            return replace(choice, parts=parts, finish="stop", stopped_by=stop)
    return choice


def _limited(choice: Choice, allowed: int) -> Choice:
    left = allowed
    for index, part in enumerate(choice.parts):
        needed = tokens_of(part)
        if needed <= left:
            left -= needed
            continue
        kept = list(choice.parts[:index])
        if left and isinstance(part, (Text, Thinking)):
            pieces = keep(part.chunks, _length(part, left, needed))
            kept.append(_limit(part, pieces, left) if type(part) is Text else replace(part, chunks=pieces))
        return replace(choice, parts=tuple(kept), finish="length", stopped_by=None)
    return choice


def _limit(part: Text, pieces: tuple[ContentChunk, ...], tokens: int) -> Text:
    return Text(pieces, tokens, citations=clipped(part.citations, len(joined_text(pieces))))


def _length(part: Text | Thinking, left: int, needed: int) -> int:
    """How many characters so many of the needed tokens are."""
    text = joined_text(part.chunks)
    made = type(part) is Text and part.tokens == len(part.chunks)
    tokens = [piece for piece in part.chunks if type(piece) is str] if made else split(text)
    return sum(map(len, tokens[: max(1, len(tokens) * left // needed)]))


def keep(pieces: tuple[ContentChunk, ...], length: int) -> tuple[ContentChunk, ...]:
    """The pieces up to so many characters; what stands between them stays as long as text follows."""
    kept: list[ContentChunk] = []
    for piece in pieces:
        if length <= 0:
            break
        if type(piece) is str:
            kept.append(piece[:length])
            length -= len(piece)
        else:
            kept.append(piece)
    return tuple(kept)


# --- where a fault cuts --------------------------------------------------------------------------


def cut_chunks(choice: Choice, chunks: int) -> Choice | None:
    """The choice up to so many of its chunks; None where it has not so many."""
    parts: list[Part] = []
    left = chunks
    for part in choice.parts:
        if not left:
            break
        if isinstance(part, NativePart):
            parts.append(part)
            left -= 1
            continue
        pieces = [piece for piece in part.chunks if type(piece) is str]
        if len(pieces) > left:
            parts.append(shortened(part, sum(map(len, pieces[:left]))))
            left = 0
        else:
            parts.append(part)
            left -= len(pieces)
    return None if left else replace(choice, parts=tuple(parts))


def cut_fraction(choice: Choice, fraction: float) -> Choice:
    """The choice up to this part of the characters of its texts and calls, rounded down. Thinking before that
    stays whole."""
    left = int(
        fraction * sum(len(joined_text(part.chunks)) for part in choice.parts if isinstance(part, SAID))
    )
    parts: list[Part] = []
    for part in choice.parts:
        if isinstance(part, SAID):
            length = len(joined_text(part.chunks))
            if length > left:
                if left:
                    parts.append(shortened(part, left))
                break
            left -= length
        parts.append(part)
    return replace(choice, parts=tuple(parts))


SAID: Final = (Text, Call, Refusal)
"""What is said, thinking and foreign blocks left out."""


def shortened(part: Text | Thinking | Call | Refusal | Media, length: int) -> Part:
    """The part up to so many characters."""
    pieces = keep(part.chunks, length)
    if type(part) is not Text:
        return replace(part, chunks=pieces)
    full = max(1, len(joined_text(part.chunks)))
    tokens = None if part.tokens is None else round(part.tokens * length / full)
    whole = None if part.whole is None else part.whole[: len(part.whole) * length // full]
    return Text(pieces, tokens, whole, clipped(part.citations, length))


def resaid(pieces: tuple[ContentChunk, ...], text: str) -> tuple[ContentChunk, ...]:
    """Another text, cut where these pieces are cut; what it has more goes into the last."""
    lengths = [len(piece) for piece in pieces if type(piece) is str]
    said: list[ContentChunk] = []
    for piece in pieces:
        if type(piece) is not str:
            said.append(piece)
        elif text:
            length = lengths.pop(0) if len(lengths) > 1 else len(text)
            said.append(text[:length])
            text = text[length:]
    return (*said, text) if text else tuple(said)
