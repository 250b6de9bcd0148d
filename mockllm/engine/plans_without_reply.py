"""Plans of what is not a reply: plain HTTP, errors, the vectors of an embeddings call, batches, and handshakes."""

from __future__ import annotations

from email.utils import formatdate

from msgspec.structs import replace

from mockllm.core.batch import BatchOutcome
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.reply.embeddings import EmbeddingResult, TextVectors
from mockllm.core.request.request import Request
from mockllm.core.values.types import evaluate
from mockllm.dialects.dialect import Dialect, ResponseIdentity
from mockllm.dialects.provider_facts import wait_headers
from mockllm.engine.plan_context import PlanContext
from mockllm.scenario.catalog import CompiledResponse
from mockllm.scenario.language.content import TextEmbeddingSpec
from mockllm.scenario.language.reply import HttpSpec, ReplySpec


class CallTakesNoReply(Exception):
    """A rule replies to a call that has no reply (a list of models)."""

    def __init__(self, api: str | None) -> None:
        super().__init__(
            f"a reply is for generating calls only, and this is {api or 'no provider call'}; use http or error"
            + ", or give the reply an embedding" * (api == "embeddings")
            + ", or give the reply a batch" * (api == "batches")
            + ", or give the reply user_speech, if the WebSocket has audio" * (api == "handshake")
        )


def http_plan(spec: HttpSpec, compiled: CompiledResponse) -> Plan:
    """Return the plan of an evaluated `http`."""
    headers: list[tuple[str, str]] = [(name, str(value)) for name, value in spec.headers.items()]
    body: Json = spec.body
    if spec.body_file is not None:
        payload, content_type = compiled.files[spec.body_file], "application/octet-stream"
    elif isinstance(body, str):
        payload, content_type = body.encode(), "text/plain; charset=utf-8"
    elif body is None:
        payload, content_type = b"", None
    else:
        payload, content_type = dumps(body), "application/json"
    if content_type is not None and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", content_type))
    assert isinstance(spec.status, int)
    return Plan(ResponseHead(spec.status, tuple(headers)), (EventStep(payload, 0, "body"),))


def error_plan(dialect: Dialect, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
    """Return the plan of an error. A date (RFC 9110, section 10.2.3) replaces all headers with the wait."""
    plan = dialect.error(failure, request, identity)
    if not failure.retry_date or failure.retry_after is None:
        return plan
    head, own = plan.head, wait_headers(request.provider)
    for name in [name.lower() for name, _ in head.headers]:
        if name.startswith("retry-after") or name in own:
            head = head.without(name)
    date = formatdate(request.now + failure.retry_after, usegmt=True)
    return replace(plan, head=head.with_per_response_headers((("retry-after", date),)))


def plan_of_non_generating_call(spec: ReplySpec, context: PlanContext) -> Plan:
    """Return the plan of a reply to a call that generates nothing. Raises CallTakesNoReply."""
    embed, create_batch = (
        getattr(context.dialect, "embed", None),
        getattr(context.dialect, "create_batch", None),
    )
    request, identity = context.request, context.identity
    open_voice_session = getattr(context.dialect, "open_voice_session", None)
    if open_voice_session is not None and spec.user_speech is not None:
        script = [entry.speech for entry in evaluate(spec.user_speech, context.evaluation_context)]
        opened: Plan = open_voice_session(script, request, identity)
        return opened
    if embed is not None and spec.embedding is not None:
        plan: Plan = embed(_embedding_result(evaluate(spec, context.evaluation_context)), request, identity)
        return plan
    if create_batch is None or spec.batch is None:
        raise CallTakesNoReply(request.api)
    end = evaluate(spec.batch, context.evaluation_context)
    started: Plan = create_batch(
        BatchOutcome(end.status, end.responses, end.code, end.message), request, identity
    )
    return started


def _embedding_result(spec: ReplySpec) -> EmbeddingResult:
    """Return the result of an embeddings call for a reply with an embedding."""
    assert spec.embedding is not None
    tokens = None if spec.usage is None else spec.usage.input_tokens
    vectors = spec.embedding
    chosen = None
    if isinstance(vectors, TextEmbeddingSpec):
        known = vectors.by_text.items()
        by_text = {text: value if isinstance(value, str) else value[0] for text, value in known}
        chosen, vectors = TextVectors(by_text, vectors.similar_to, vectors.cosine), ()
    return EmbeddingResult(vectors, spec.model, tokens, spec.extras, chosen)
