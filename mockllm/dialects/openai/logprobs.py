"""How OpenAI's protocols write the probabilities of tokens, where a request asks for them.

Chat's and responses' have an entry for each token; the legacy completions have four lists side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mockllm.core.json import Json
from mockllm.core.likelihood import Likely


def entries(found: Iterable[Likely]) -> list[Json]:
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


def columns(found: Sequence[Likely], offset: int, *, opening: bool, top: int) -> dict[str, Json]:
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
