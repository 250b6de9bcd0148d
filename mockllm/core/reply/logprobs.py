"""How likely a model would have found each token that it says, and which others it might have said: invented, but
plausible, and always the same for the same tokens in the same order.

Nothing is drawn: a real model gives a text the same figures whoever asks, so these are a hash of the token and
its place. Most tokens are nearly certain, and the one that is said is the likeliest.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from itertools import accumulate, islice, repeat
from math import log
from operator import mul
from typing import Final, NamedTuple

from mockllm.core.reply.reply import Part, Refusal, Text, joined_text
from mockllm.core.tokens import split

OTHERS: Final = (
    "the", "a", "and", "of", "to", "in", "is", "it", "that", "for", "you", "with", "on", "as", "this", "be",
    "are", "or", "an", "can", "at", "we",
)  # fmt: skip
"""What might have been said instead."""
LEAST: Final = 0.4
"""The probability of the least likely token."""
SHARE: Final = 0.6
"""How much of what is left each further token takes."""


class TokenLogprob(NamedTuple):
    """A token and its logarithm of probability (natural, at most 0), and the likeliest tokens at its place with
    theirs, the likeliest first: itself, then others."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...]


def token_logprobs(tokens: Iterable[str], top: int, place: int = 0) -> list[TokenLogprob]:
    """Each of the tokens with `top` likeliest ones (0 to 20); `place` is how many were said before them."""
    return [_likely(token, top, number) for number, token in enumerate(tokens, place)]


def tokens_said(part: Text | Refusal, *, streamed: bool) -> list[str]:
    """The tokens of a part, which join to its text: those that its maker counted, else those of its pieces where
    it is streamed, of the whole text where it is not."""
    if not streamed and type(part) is Text and part.whole is not None:
        return split(part.whole)
    if streamed or _counted(part):
        return [token for piece in part.chunks if type(piece) is str for token in tokens_of(part, piece)]
    return split(joined_text(part.chunks))


def tokens_of(part: Part, piece: str) -> list[str]:
    """The tokens of one piece of a part."""
    return [piece] if _counted(part) else split(piece)


def _counted(part: Part) -> bool:
    """Whether each piece is a token."""
    return type(part) is Text and part.tokens == len(part.chunks)


def _likely(token: str, top: int, place: int) -> TokenLogprob:
    hashed = blake2b(f"{place}|{token}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    grain = int.from_bytes(hashed[:4], "big") / 2**32
    missed = (1 - LEAST) * max(grain**4, 1e-7)
    logprob = round(log(1 - missed), 8)
    first = int.from_bytes(hashed[4:], "big") % len(OTHERS)
    lead = " " if token[:1] == " " else ""
    words = (lead + word for word in OTHERS[first:] + OTHERS[:first] if lead + word != token)
    shares = accumulate(repeat(1 - SHARE), mul, initial=missed * SHARE)
    others = [(word, round(log(share), 8)) for word, share in islice(zip(words, shares, strict=False), 20)]
    return TokenLogprob(token, logprob, ((token, logprob), *others)[:top])
