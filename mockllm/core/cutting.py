"""Where an answer is cut short: at a stop sequence, or at the tokens that the request allows.

A provider's model never says what lies behind either, so the cut is made on the reply, for every protocol.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mockllm.core.reply import Choice, Part, Piece, Text, Thinking, spoken
from mockllm.core.request import Sampling
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
        return count(part.whole if part.whole is not None else spoken(part.pieces))
    pieces: tuple[Piece, ...] = getattr(part, "pieces", ())
    return count(getattr(part, "name", "") + spoken(pieces))


def cut_short(choice: Choice, sampling: Sampling) -> Choice:
    """The choice as a model would have left it that stops at `sampling.stop` or after `max_tokens` tokens.
    Thinking counts against the tokens; a stop sequence is looked for in the text alone."""
    choice = _stopped(choice, sampling.stop) if sampling.stop else choice
    return choice if sampling.max_tokens is None else _limited(choice, sampling.max_tokens)


def _stopped(choice: Choice, stops: tuple[str, ...]) -> Choice:
    for index, part in enumerate(choice.parts):
        if type(part) is not Text:
            continue
        text = spoken(part.pieces)
        found = [(text.find(stop), stop) for stop in stops if stop and stop in text]
        if found:
            place, stop = min(found)
            parts = (*choice.parts[:index], Text(keep(part.pieces, place)))
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
            pieces = keep(part.pieces, _length(part, left, needed))
            kept.append(Text(pieces, left) if type(part) is Text else replace(part, pieces=pieces))
        return replace(choice, parts=tuple(kept), finish="length", stopped_by=None)
    return choice


def _length(part: Text | Thinking, left: int, needed: int) -> int:
    """How many characters so many of the needed tokens are."""
    text = spoken(part.pieces)
    made = type(part) is Text and part.tokens == len(part.pieces)
    tokens = [piece for piece in part.pieces if type(piece) is str] if made else split(text)
    return sum(map(len, tokens[: max(1, len(tokens) * left // needed)]))


def keep(pieces: tuple[Piece, ...], length: int) -> tuple[Piece, ...]:
    """The pieces up to so many characters; what stands between them stays as long as text follows."""
    kept: list[Piece] = []
    for piece in pieces:
        if length <= 0:
            break
        if type(piece) is str:
            kept.append(piece[:length])
            length -= len(piece)
        else:
            kept.append(piece)
    return tuple(kept)
