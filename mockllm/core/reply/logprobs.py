"""Log probabilities of tokens: invented but plausible, and equal for equal tokens in the same order.

They are not random. A real model returns the same values for the same text, so the values are a hash of the
token and its position. Most tokens are nearly certain, and the token of the response is the likeliest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import accumulate, islice, repeat
from math import log
from operator import mul
from typing import Final, NamedTuple

from mockllm.core.reply.reply import Choice, Refusal, Text, joined_text
from mockllm.core.tokens import split

ALTERNATIVES: Final = (
    "the", "a", "and", "of", "to", "in", "is", "it", "that", "for", "you", "with", "on", "as", "this", "be",
    "are", "or", "an", "can", "at", "we",
)  # fmt: skip
"""The alternative tokens."""
MIN_PROBABILITY: Final = 0.4
"""The probability of the least likely token."""
SHARE: Final = 0.6
"""The part of the remaining probability that each further alternative takes."""


class TokenLogprob(NamedTuple):
    """A token and its logarithm of probability (natural, at most 0). `top` has the likeliest tokens at its
    position with their logarithms: first the token itself, then alternatives."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...]


def token_logprobs(tokens: Iterable[str], top: int, position: int = 0) -> list[TokenLogprob]:
    """Return each token with its `top` likeliest tokens (0 to 20). `position` is the number of earlier tokens."""
    return [_token_logprob(token, top, number) for number, token in enumerate(tokens, position)]


def choice_token_logprobs(choice: Choice, top: int) -> Iterator[tuple[Text | Refusal, list[TokenLogprob]]]:
    """Yield each text and refusal of a non-streaming response with its tokens; calls have none."""
    position = 0
    for part in choice.parts:
        if isinstance(part, (Text, Refusal)):
            logprobs = token_logprobs(part_token_texts(part), top, position)
            yield part, logprobs
            position += len(logprobs)


class StreamedTokenLogprobs:
    """The probabilities of a stream's tokens, whose positions are counted separately for each choice."""

    def __init__(self, top: int) -> None:
        self._top = top
        self._positions: dict[int, int] = {}

    def next(self, choice: int, chunk: str) -> list[TokenLogprob]:
        """Return the tokens of the next chunk."""
        position = self._positions.get(choice, 0)
        logprobs = token_logprobs(split(chunk), self._top, position)
        self._positions[choice] = position + len(logprobs)
        return logprobs


def part_token_texts(part: Text | Refusal) -> list[str]:
    """Return the tokens of a part of a non-streaming response, which join to its text. The chunks are the tokens
    where the part was generated token by token. Else the whole text is split."""
    if type(part) is not Text:
        return split(joined_text(part.chunks))
    if part.whole is not None:
        return split(part.whole)
    chunks = [chunk for chunk in part.chunks if type(chunk) is str]
    if part.tokens == len(chunks) and all(len(split(chunk)) == 1 for chunk in chunks):
        return chunks
    return split("".join(chunks))


def _token_logprob(token: str, top: int, position: int) -> TokenLogprob:
    digest = blake2b(f"{position}|{token}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    grain = int.from_bytes(digest[:4], "big") / 2**32
    rest = (1 - MIN_PROBABILITY) * max(grain**4, 1e-7)
    logprob = round(log(1 - rest), 8)
    first = int.from_bytes(digest[4:], "big") % len(ALTERNATIVES)
    lead = " " if token[:1] == " " else ""
    words = (lead + word for word in ALTERNATIVES[first:] + ALTERNATIVES[:first] if lead + word != token)
    shares = accumulate(repeat(1 - SHARE), mul, initial=rest * SHARE)
    others = islice(zip(words, shares, strict=False), max(0, top - 1))
    alternatives = [(word, round(log(share), 8)) for word, share in others]
    return TokenLogprob(token, logprob, ((token, logprob), *alternatives)[:top])
