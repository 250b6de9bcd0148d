"""The probabilities of tokens as generateContent writes them, where a request includes them.

A stream has those of each chunk's tokens, and no average. Sources: a recorded response of Vertex AI, the types of
google-genai, and recorded streams, none of which has an average.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.reply.logprobs import TokenLogprob, choice_token_logprobs
from mockllm.core.reply.reply import Choice

VOCABULARY: Final = 262_144
"""The number of the tokens' ids. They are invented: equal tokens have equal ids."""


def body_logprobs(choice: Choice, top: int) -> dict[str, Json]:
    """Return the members of a candidate about all its tokens; none where it has only calls."""
    tokens = [token for _, listed in choice_token_logprobs(choice, top) for token in listed]
    if not tokens:
        return {}
    average = sum(token.logprob for token in tokens) / len(tokens)
    return {"avgLogprobs": average, **chunk_logprobs(tokens, top)}


def chunk_logprobs(tokens: Sequence[TokenLogprob], top: int) -> dict[str, Json]:
    """Return the member of a candidate about these tokens; `top`: the number of alternatives of each."""
    result: dict[str, Json] = {}
    if top:
        result["topCandidates"] = [
            {"candidates": [_entry(*other) for other in token.top]} for token in tokens
        ]
    result["chosenCandidates"] = [_entry(token.token, token.logprob) for token in tokens]
    return {"logprobsResult": result}


def _entry(token: str, logprob: float) -> dict[str, Json]:
    digest = blake2b(token.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    id = int.from_bytes(digest, "big") % VOCABULARY
    return {"token": token, "tokenId": id, "logProbability": logprob}
