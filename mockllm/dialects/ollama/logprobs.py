"""The probabilities of tokens as Ollama writes them, where a request includes them: an entry for each token.

From `Logprob` of Ollama's `api/types.go` and of the `ollama` package (0.6.1). Without `top_logprobs` in the request,
an entry has no alternatives.
"""

from __future__ import annotations

from collections.abc import Iterable

from mockllm.core.json.codec import Json
from mockllm.core.reply.logprobs import TokenLogprob, choice_token_logprobs
from mockllm.core.reply.reply import Choice


def choice_logprobs(choice: Choice, top: int | None) -> dict[str, Json]:
    """Return the member of a non-streaming response; none where it has only calls, or is not requested."""
    if top is None:
        return {}
    return logprobs_member(token for _, listed in choice_token_logprobs(choice, top) for token in listed)


def logprobs_member(tokens: Iterable[TokenLogprob]) -> dict[str, Json]:
    """Return the member of an object with these tokens; none without tokens."""
    entries: list[Json] = [{**_entry(token.token, token.logprob), **_alternatives(token)} for token in tokens]
    return {"logprobs": entries} if entries else {}


def _alternatives(token: TokenLogprob) -> dict[str, Json]:
    return {"top_logprobs": [_entry(*other) for other in token.top]} if token.top else {}


def _entry(token: str, logprob: float) -> dict[str, Json]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "surrogatepass"))}
