"""The probabilities of tokens as OpenAI's protocols write them, where a request includes them.

Chat completions and responses have one entry for each token. Legacy completions have four parallel lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mockllm.core.json.codec import Json
from mockllm.core.reply.logprobs import StreamedTokenLogprobs, TokenLogprob, choice_token_logprobs
from mockllm.core.reply.reply import Choice, Part, Refusal, Text


class StreamedLogprobs:
    """The probabilities of a chat completion's tokens during a stream, counted separately for each choice."""

    def __init__(self, top: int) -> None:
        self._tokens = StreamedTokenLogprobs(top)

    def chunk_logprobs(self, choice: int, part: Part | None, chunk: str = "") -> dict[str, Json]:
        """Return the probabilities of the next chunk of a part."""
        logprobs = [] if part is None else self._tokens.next(choice, chunk)
        refused = type(part) is Refusal
        return {
            "content": None if refused else entries(logprobs),
            "refusal": entries(logprobs) if refused else None,
        }


def choice_logprobs(choice: Choice, top: int) -> dict[str, Json] | None:
    """Return the probabilities of a non-streaming response's tokens; None where the choice contains only calls."""
    lists: dict[str, list[Json] | None] = {"content": None, "refusal": None}
    for part, logprobs in choice_token_logprobs(choice, top):
        name = "content" if type(part) is Text else "refusal"
        lists[name] = (lists[name] or []) + entries(logprobs)
    return None if lists["content"] is lists["refusal"] is None else lists


def entries(logprobs: Iterable[TokenLogprob]) -> list[Json]:
    """Return an entry for each token, as chat completions and non-streaming responses have it."""
    return [
        {
            **_entry(token.token, token.logprob),
            "top_logprobs": [_entry(*alternative) for alternative in token.top],
        }
        for token in logprobs
    ]


def without_bytes(entries: Iterable[Json]) -> list[Json]:
    """Return the same entries without their bytes, for the events that stream a response's text."""
    return [
        {
            "token": entry["token"],
            "logprob": entry["logprob"],
            "top_logprobs": [
                {name: alternative[name] for name in ("token", "logprob")}
                for alternative in entry["top_logprobs"]
            ],
        }
        for entry in entries
    ]


def columns(tokens: Sequence[TokenLogprob], offset: int, *, opening: bool, top: int) -> dict[str, Json]:
    """Return the lists of legacy completions.

    `offset` is the position of the first token in prompt and text together. `opening` marks the very first
    token, which has no probability.
    """
    offsets = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token.token)
    logprobs: list[Json] = [token.logprob for token in tokens]
    tops: list[Json] = [dict(token.top) for token in tokens]
    if opening:
        logprobs[:1] = tops[:1] = [None] * len(tokens[:1])
    return {
        "tokens": [token.token for token in tokens],
        "token_logprobs": logprobs,
        "top_logprobs": tops if top else None,
        "text_offset": offsets,
    }


def _entry(token: str, logprob: float) -> dict[str, Json]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "surrogatepass"))}
