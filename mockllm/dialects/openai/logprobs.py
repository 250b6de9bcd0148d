"""How OpenAI's protocols write the probabilities of tokens, where a request asks for them.

Chat's and responses' have an entry for each token; the legacy completions have four lists side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mockllm.core.json.codec import Json
from mockllm.core.reply.logprobs import TokenLogprob, chunk_token_texts, part_token_texts, token_logprobs
from mockllm.core.reply.reply import Choice, Part, Refusal, Text


class StreamedLogprobs:
    """The probabilities of a chat's tokens as they are said, each choice's counted by itself."""

    def __init__(self, top: int) -> None:
        self._top = top
        self._places: dict[int, int] = {}

    def say(self, choice: int, part: Part | None, piece: str = "") -> dict[str, Json]:
        """Those of the next piece of a part."""
        place = self._places.get(choice, 0)
        found = [] if part is None else token_logprobs(chunk_token_texts(part, piece), self._top, place)
        self._places[choice] = place + len(found)
        refused = type(part) is Refusal
        return {
            "content": None if refused else entries(found),
            "refusal": entries(found) if refused else None,
        }


def whole(choice: Choice, top: int) -> dict[str, Json] | None:
    """Those of a whole answer's tokens; None where it only calls."""
    listed: dict[str, list[Json] | None] = {"content": None, "refusal": None}
    place = 0
    for part in choice.parts:
        if isinstance(part, (Text, Refusal)):
            name = "content" if type(part) is Text else "refusal"
            found = token_logprobs(part_token_texts(part, streamed=False), top, place)
            listed[name] = (listed[name] or []) + entries(found)
            place += len(found)
    return None if listed["content"] is listed["refusal"] is None else listed


def entries(found: Iterable[TokenLogprob]) -> list[Json]:
    """An entry for each token, as chat and whole responses have it."""
    return [
        {**_entry(each.token, each.logprob), "top_logprobs": [_entry(*other) for other in each.top]}
        for each in found
    ]


def bare(listed: Iterable[Json]) -> list[Json]:
    """The same entries without their bytes: of the events that stream a response's text."""
    return [
        {
            "token": each["token"],
            "logprob": each["logprob"],
            "top_logprobs": [
                {name: other[name] for name in ("token", "logprob")} for other in each["top_logprobs"]
            ],
        }
        for each in listed
    ]


def columns(found: Sequence[TokenLogprob], offset: int, *, opening: bool, top: int) -> dict[str, Json]:
    """The lists of legacy completions. `offset` is the place of the first token in prompt and text together;
    `opening`: it is the first of all, which nothing makes likely."""
    offsets = []
    for each in found:
        offsets.append(offset)
        offset += len(each.token)
    logprobs: list[Json] = [each.logprob for each in found]
    tops: list[Json] = [dict(each.top) for each in found]
    if opening:
        logprobs[:1] = tops[:1] = [None] * len(found[:1])
    return {
        "tokens": [each.token for each in found],
        "token_logprobs": logprobs,
        "top_logprobs": tops if top else None,
        "text_offset": offsets,
    }


def _entry(token: str, logprob: float) -> dict[str, Json]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "surrogatepass"))}
