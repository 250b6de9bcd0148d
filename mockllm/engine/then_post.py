"""The requests that the server sends when a response has ended: the setting `then_post`."""

from __future__ import annotations

from collections.abc import Iterator

from mockllm.core.json.codec import dumps
from mockllm.core.rendering.framing import last_byte_time
from mockllm.core.rendering.plan import Plan
from mockllm.core.webhook import Webhook
from mockllm.engine.plan_context import PlanContext


def webhooks_of(plan: Plan, context: PlanContext) -> Iterator[Webhook]:
    """Yield the requests of a planned response, at their times."""
    ends = context.request.monotonic + last_byte_time(plan)
    for number, post in enumerate(context.posts):
        id = context.identity.ids.make("post_", 24, f"post.{number}")
        payload = post.body.encode() if isinstance(post.body, str) else dumps(post.body)
        yield Webhook(ends + post.after, str(post.to), post.secret or "", id, payload, id)
