"""The probabilities of tokens as Cohere's chat writes them, where a request includes them.

From `LogprobItem` of the `cohere` package (7.3): an entry has a text, the ids of its tokens and their probabilities.
A non-streaming response has an entry for each token, and each text of a stream has one. There is no vocabulary, so
the ids are those of `core.token_numbers`, which `/v1/detokenize` makes a text again. A long token has several.
"""

from __future__ import annotations

from collections.abc import Sequence

from mockllm.core.json.codec import Json
from mockllm.core.reply.logprobs import TokenLogprob, choice_token_logprobs
from mockllm.core.reply.reply import Reply
from mockllm.core.token_numbers import token_numbers


def body_logprobs(reply: Reply) -> dict[str, Json]:
    """Return the member of a non-streaming response; none where it has no text but a plan of calls."""
    choice = reply.choices[0]
    if choice.tool_calls:
        return {}
    tokens = [token for _, listed in choice_token_logprobs(choice, 0) for token in listed]
    return {"logprobs": [logprob_item(token.token, [token]) for token in tokens]} if tokens else {}


def logprob_item(text: str, tokens: Sequence[TokenLogprob]) -> dict[str, Json]:
    """Return the entry of a text with these tokens. The numbers of a long token share its probability."""
    ids: list[Json] = []
    logprobs: list[Json] = []
    for token in tokens:
        numbers = token_numbers(token.token, 1)
        ids += numbers
        logprobs += [token.logprob / len(numbers)] * len(numbers)
    return {"text": text, "token_ids": ids, "logprobs": logprobs}
