"""Requests that a provider refuses because of what the reply uses: a search of files in a store that is unknown."""

from __future__ import annotations

from mockllm.core.failure import Failure
from mockllm.core.reply.reply import Reply
from mockllm.dialects.dialect import ReplyDialect
from mockllm.engine.plan_context import PlanContext


class ReplyRefused(Exception):
    """The dialect refuses a request for which a rule has a reply."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


def check_reply(dialect: ReplyDialect, reply: Reply, context: PlanContext) -> None:
    """Raise ReplyRefused where the rule's validation is strict, and the dialect refuses the request."""
    if context.checks_reply and hasattr(dialect, "check_reply"):
        failure: Failure | None = dialect.check_reply(reply, context.request)
        if failure is not None:
            raise ReplyRefused(failure)
