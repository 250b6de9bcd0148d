"""Where an answer is cut short: at a stop sequence, or at the tokens that the request allows.

A provider's model never says what lies behind either, so the cut is made on the reply, for every protocol.
"""

from __future__ import annotations

from dataclasses import replace

from mockllm.core.reply import Choice, Part, Piece, Text, Thinking, spoken
from mockllm.core.request import Sampling
from mockllm.core.tokens import estimate, split


def tokens_of(part: Part) -> int:
    """The tokens of a part: as its maker counted them, else estimated."""
    if type(part) is Text:
        if part.tokens is not None:
            return part.tokens
        return estimate(part.whole if part.whole is not None else spoken(part.pieces))
    pieces: tuple[Piece, ...] = getattr(part, "pieces", ())
    return estimate(getattr(part, "name", "") + spoken(pieces))


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
            tokens = part.pieces if type(part) is Text and part.tokens == len(part.pieces) else None
            length = len("".join(tokens[:left] if tokens else split(spoken(part.pieces))[:left]))  # type: ignore[arg-type]
            pieces = keep(part.pieces, length)
            kept.append(Text(pieces, left) if type(part) is Text else replace(part, pieces=pieces))
        return replace(choice, parts=tuple(kept), finish="length", stopped_by=None)
    return choice


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
