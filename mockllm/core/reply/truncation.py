"""Truncation of replies: at a stop sequence, at the request's maximum of tokens, or by a fault.

A provider's model never generates content after these points, so the reply itself is cut, for every protocol. Where
the request states a minimum of tokens, the reply is first made that long.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.reply.chunking import filler_tokens
from mockllm.core.reply.citations import clipped
from mockllm.core.reply.reply import (
    Choice,
    ContentElement,
    Media,
    NativePart,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    joined_text,
)
from mockllm.core.request.response_parameters import OutputBounds
from mockllm.core.tokens import estimate, split

MAX_SPLIT_LENGTH: Final = 200
"""Characters up to which a text is split into tokens. In longer texts the tokens are estimated, which is closer for
most languages; two tokens more or less do not matter there."""


def count_tokens(text: str) -> int:
    """Return the number of tokens of a text."""
    return len(split(text)) if len(text) <= MAX_SPLIT_LENGTH else estimate(text)


def part_tokens(part: Part) -> int:
    """Return the number of tokens of a part: its own count, else an estimate."""
    if type(part) is Text:
        if part.tokens is not None:
            return part.tokens
        return count_tokens(part.whole if part.whole is not None else joined_text(part.chunks))
    chunks: tuple[ContentElement, ...] = getattr(part, "chunks", ())
    return count_tokens(getattr(part, "name", "") + joined_text(chunks))


def truncate(choice: Choice, output_bounds: OutputBounds) -> Choice:
    """Return the choice of a model that stops at `output_bounds.stop` or after `max_tokens` tokens. Thinking counts
    against the tokens. A stop sequence counts in texts only, and after `min_tokens` tokens."""
    floor = 0
    if output_bounds.min_tokens or output_bounds.endless:
        choice, floor = extended(choice, output_bounds)
    choice = _stopped(choice, output_bounds.stop, floor) if output_bounds.stop else choice
    return choice if output_bounds.max_tokens is None else _limited(choice, output_bounds.max_tokens)


def extended(choice: Choice, output_bounds: OutputBounds) -> tuple[Choice, int]:
    """Return the choice with at least `min_tokens` tokens, and its characters up to them. An endless one has a token
    more than its maximum. Filler text follows the reply's own; every chunk after that is one token, and each text
    counts its tokens exactly."""
    parts = [_counted(part) for part in choice.parts]
    needed = output_bounds.min_tokens
    if output_bounds.endless and output_bounds.max_tokens is not None:
        needed = max(needed, output_bounds.max_tokens + 1)
    missing = needed - sum(map(part_tokens, parts))
    if missing > 0:
        last = Text((), 0)
        if parts and isinstance(parts[-1], Text):
            last, parts = parts[-1], parts[:-1]
        filler = filler_tokens(missing + 1)[1:] if last.chunks else filler_tokens(missing)
        count = part_tokens(last) + missing
        parts.append(Text((*last.chunks, *filler), count, citations=last.citations))
    result = replace(choice, parts=tuple(parts))
    return result, _floor(result, output_bounds.min_tokens)


def _counted(part: Part) -> Part:
    """Return a text with its exact number of tokens, as a stream of one token for each chunk sends it."""
    if type(part) is not Text or part.tokens is not None or part.whole is not None:
        return part
    return replace(part, tokens=len(split(joined_text(part.chunks))))


def _floor(choice: Choice, tokens: int) -> int:
    """Return the number of characters of the first text that the first tokens of a choice have."""
    for part in choice.parts:
        count = part_tokens(part)
        if type(part) is Text:
            return _length(part, min(tokens, count), count) if tokens and count else 0
        tokens = max(0, tokens - count)
    return 0


def _stopped(choice: Choice, stops: tuple[str, ...], floor: int = 0) -> Choice:
    for index, part in enumerate(choice.parts):
        if type(part) is not Text:
            continue
        text = joined_text(part.chunks)
        found = ((text.find(stop, max(0, floor - len(stop) + 1)), stop) for stop in stops if stop)
        matches = [(place, stop) for place, stop in found if place >= 0]
        floor = 0
        if matches:
            place, stop = min(matches)
            parts = (
                *choice.parts[:index],
                Text(first_characters(part.chunks, place), citations=clipped(part.citations, place)),
            )
            return replace(choice, parts=parts, finish="stop", stopped_by=stop)
    return choice


def _limited(choice: Choice, allowed: int) -> Choice:
    left = allowed
    for index, part in enumerate(choice.parts):
        needed = part_tokens(part)
        if needed <= left:
            left -= needed
            continue
        parts = list(choice.parts[:index])
        if left and isinstance(part, (Text, Thinking, Refusal)):
            chunks = first_characters(part.chunks, _length(part, left, needed))
            parts.append(_limit(part, chunks, left) if type(part) is Text else replace(part, chunks=chunks))
        return replace(choice, parts=tuple(parts), finish="length", stopped_by=None)
    return choice


def _limit(part: Text, chunks: tuple[ContentElement, ...], tokens: int) -> Text:
    return Text(chunks, tokens, citations=clipped(part.citations, len(joined_text(chunks))))


def _length(part: Text | Thinking | Refusal, left: int, needed: int) -> int:
    """Return the number of characters of the first `left` of the `needed` tokens."""
    text = joined_text(part.chunks)
    chunk_is_token = type(part) is Text and part.tokens == len(part.chunks)
    tokens = [chunk for chunk in part.chunks if type(chunk) is str] if chunk_is_token else split(text)
    return sum(map(len, tokens[: max(1, len(tokens) * left // needed)]))


def first_characters(chunks: tuple[ContentElement, ...], length: int) -> tuple[ContentElement, ...]:
    """Return the chunks up to so many characters, with the pauses and bytes that text follows."""
    result: list[ContentElement] = []
    for chunk in chunks:
        if length <= 0:
            break
        if type(chunk) is str:
            result.append(chunk[:length])
            length -= len(chunk)
        else:
            result.append(chunk)
    return tuple(result)


def cut_chunks(choice: Choice, count: int) -> Choice | None:
    """Return the choice up to so many of its chunks; None where it has fewer."""
    parts: list[Part] = []
    left = count
    for part in choice.parts:
        if not left:
            break
        if isinstance(part, NativePart):
            parts.append(part)
            left -= 1
            continue
        texts = [chunk for chunk in part.chunks if type(chunk) is str]
        if len(texts) > left:
            parts.append(shorten(part, sum(map(len, texts[:left]))))
            left = 0
        else:
            parts.append(part)
            left -= len(texts)
    return None if left else replace(choice, parts=tuple(parts))


def cut_fraction(choice: Choice, fraction: float) -> Choice:
    """Return the choice up to this part of the characters of its texts and calls, rounded down. Thinking before
    that is complete."""
    left = int(
        fraction * sum(len(joined_text(part.chunks)) for part in choice.parts if isinstance(part, VISIBLE))
    )
    parts: list[Part] = []
    for part in choice.parts:
        if isinstance(part, VISIBLE):
            length = len(joined_text(part.chunks))
            if length > left:
                if left:
                    parts.append(shorten(part, left))
                break
            left -= length
        parts.append(part)
    return replace(choice, parts=tuple(parts))


VISIBLE: Final = (Text, ToolCall, Refusal)
"""The parts that count, without thinking and native parts."""


def shorten(part: Text | Thinking | ToolCall | Refusal | Media, length: int) -> Part:
    """Return the part up to so many characters."""
    chunks = first_characters(part.chunks, length)
    if type(part) is not Text:
        return replace(part, chunks=chunks)
    full = max(1, len(joined_text(part.chunks)))
    tokens = None if part.tokens is None else round(part.tokens * length / full)
    whole = None if part.whole is None else part.whole[: len(part.whole) * length // full]
    return Text(chunks, tokens, whole, clipped(part.citations, length))


def rechunked(chunks: tuple[ContentElement, ...], text: str) -> tuple[ContentElement, ...]:
    """Return another text, cut at the same places as these chunks; the last chunk takes the rest."""
    lengths = [len(chunk) for chunk in chunks if type(chunk) is str]
    result: list[ContentElement] = []
    for chunk in chunks:
        if type(chunk) is not str:
            result.append(chunk)
        elif text:
            length = lengths.pop(0) if len(lengths) > 1 else len(text)
            result.append(text[:length])
            text = text[length:]
    return (*result, text) if text else tuple(result)
