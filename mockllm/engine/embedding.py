"""What an embeddings call answers of a reply: its `embedding`.

Apart from plans, because no other call beside those that generate has anything to say of a reply.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import Dialect, ResponseIdentity
from mockllm.scenario.language.reply import ReplySpec
from mockllm.scenario.reply_renderer import embedded


class NotGenerating(Exception):
    """A rule replies to a call that has no reply (a list of models)."""

    def __init__(self, api: str | None) -> None:
        super().__init__(
            f"a reply answers generating calls only, and this is {api or 'no provider call'}; use http or error"
            + ", or give the reply an embedding" * (api == "embeddings")
        )


def embeds(
    word: ReplySpec, dialect: Dialect, api: str | None
) -> Callable[[Any, Request, ResponseIdentity], Plan]:
    """What makes a plan of this reply, evaluated, in a call that generates nothing: that of this api, or of none.
    Raises NotGenerating."""
    embed = getattr(dialect, "embed", None)
    if embed is None or word.embedding is None:
        raise NotGenerating(api)

    def plan(word: ReplySpec, request: Request, stamp: ResponseIdentity) -> Plan:
        made: Plan = embed(embedded(word), request, stamp)
        return made

    return plan
