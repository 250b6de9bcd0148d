"""From a decision to a plan: a reply, an error or plain HTTP, in the request's protocol, with pacing and faults."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from math import inf
from typing import Final, cast

from msgspec.structs import replace

from mockllm.core.budget import LONG_REQUEST, PlanningTooLong, check_echo_size, check_vector_size
from mockllm.core.failure import Failure
from mockllm.core.faults import ReplyFault
from mockllm.core.randomness import Randomness
from mockllm.core.rendering.encoder import chunk_texts_of, timed_chunks
from mockllm.core.rendering.event_extras import with_event_extras
from mockllm.core.rendering.gzip import accepts_coding, gzipped
from mockllm.core.rendering.pacing import chunk_waits, paced, paced_body
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.chunking import DEFAULT_CHUNK_SIZE
from mockllm.core.reply.reply import GeneratedToolCall, NativePart, Reply, ToolCall
from mockllm.core.request.request import Request
from mockllm.core.request.tools import Tool
from mockllm.core.values.types import EvaluationContext, evaluate, is_static
from mockllm.dialects.dialect import BackgroundDialect, MediaDialect, ReplyDialect, ResponseIdentity
from mockllm.dialects.provider_facts import DIALECT_NAMES
from mockllm.engine.bounded_cache import BoundedCache
from mockllm.engine.effective_settings import EffectiveSettings, effective_settings
from mockllm.engine.paced_plans import paced_as_streamed, paced_stream
from mockllm.engine.plan_context import (
    PlanContext,
    with_batch_job_waits,
    with_max_wait,
    with_plan_faults,
    with_reply_faults,
    with_settings,
)
from mockllm.engine.plans_without_reply import error_plan, http_plan, plan_of_non_generating_call
from mockllm.engine.prompt_caching import PromptCaching
from mockllm.engine.proxy_plans import proxy_plan
from mockllm.engine.recorded_websockets import WebSocketReplayPlanner
from mockllm.engine.replay import ReplayPlanner
from mockllm.engine.reply_usage import with_cached_tokens, with_input_tokens
from mockllm.engine.response_cache import EncodedStream, ResponseCache
from mockllm.engine.settings import EngineSettings
from mockllm.engine.unsupported_parts import render, reply_notes, without_unsupported_media
from mockllm.scenario.catalog import Catalog, CompiledResponse
from mockllm.scenario.error_failure import failure_from_spec
from mockllm.scenario.language.error import ErrorSpec
from mockllm.scenario.language.mcp_server import McpServerSpec
from mockllm.scenario.language.proxy import ProxySpec
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.reply import HttpSpec, ReplySpec
from mockllm.scenario.mcp_replies import mcp_reply
from mockllm.scenario.reply_renderer import ReplyRenderer
from mockllm.scenario.schema_replies import generate_tool_call
from mockllm.scenario.settings_merge import ResolvedSettings, chunk_size, resolve_settings

MAX_CACHED_REPLIES: Final = 4096
CHUNKS_OF_CACHED_REPLY: Final = 256
"""A reply counts as one entry, and as one more for so many chunks: a client may choose how long replies are."""
MAX_CACHED_SETTINGS: Final = 10_000
"""Combinations of a response and modifiers whose effective settings are cached."""
LONG_TEXT: Final = 32_768
"""Characters of a text. A longer one takes more than about 10 ms to cut into tokens, and to count them."""
LONG_STREAM: Final = 2_000
"""Chunks. A stream of more takes more than about 15 ms to plan."""
MANY_COMPONENTS: Final = 20_000
"""Components of vectors. More take more than about 10 ms."""


class ResponsePlanner:
    """Makes a catalog's plans; caches responses, events of streams, settings, static replies and recordings."""

    def __init__(
        self, catalog: Catalog, engine_settings: EngineSettings, prompt_caching: PromptCaching
    ) -> None:
        self.catalog = catalog
        self.prompt_caching = prompt_caching
        self.max_wait = engine_settings.max_wait
        self.unmatched_status = engine_settings.unmatched_status
        self.proxy_hosts = engine_settings.proxy_hosts
        self._max_generated = engine_settings.max_generated
        """The most values that are generated for one schema (`--max-generated-values`). `core/budget.py` derives
        further maxima from it: for schemas, for echoed prompts and for vectors."""
        self.response_cache = ResponseCache()
        self._effective_settings: BoundedCache[EffectiveSettings] = BoundedCache(MAX_CACHED_SETTINGS)
        self._static_replies: BoundedCache[tuple[Reply, tuple[str, ...]]] = BoundedCache(MAX_CACHED_REPLIES)
        self._recordings = ReplayPlanner()
        self._websocket_replays = WebSocketReplayPlanner()

    def plan(self, context: PlanContext) -> Plan:
        """Return the plan. Raises TemplateFailure, BudgetExceeded or MissingStoredObject. Raises CallTakesNoReply for
        a reply to a call that takes none. Raises UnreplayableRecording for a recording that cannot be replayed to the
        call. For a deferrable response, it also raises PlanningTooLong."""
        spec = context.compiled.spec
        if isinstance(spec, McpServerSpec):
            return self._mcp_plan(context, spec)
        if isinstance(spec, ReplaySpec):
            if spec.as_ == "bytes":
                return self._replay_plan(context, spec)
            context.compiled = self._recordings.decoded_reply(context)
            spec = context.compiled.spec
        if isinstance(spec, ReplySpec):
            request = context.request
            self.check_planning_effort(request, deferrable=context.deferrable)
            if not (request.generates or request.is_for_mcp_server or request.makes_media):
                return self.apply_settings(plan_of_non_generating_call(spec, context), context)
            return self._reply_plan(context, context.dialect)  # type: ignore[arg-type]
        if isinstance(spec, ProxySpec):
            resolved = _resolve(context)
            # faults act on responses that this server makes
            context.notes += [
                f"{fault.name} not applied: another server makes the response" for fault in resolved.faults
            ]
            return proxy_plan(spec, resolved, context.dialect, context.request, context.identity)
        if isinstance(spec, ErrorSpec):
            return self.apply_settings(self._error_plan(context, spec), context)
        assert isinstance(spec, HttpSpec)
        return self.apply_settings(
            http_plan(evaluate(spec, context.evaluation_context), context.compiled), context
        )

    def apply_settings(self, plan: Plan, context: PlanContext) -> Plan:
        """Return a plan with the settings that apply: headers, delays and faults."""
        resolved = _resolve(context)
        changed = with_plan_faults(context, with_settings(plan, resolved, context), resolved.faults)
        return (
            changed if plan.background is None else with_batch_job_waits(changed, plan.background, resolved)
        )

    def effective_settings(
        self,
        item_index: int | None,
        compiled: CompiledResponse,
        response_index: int,
        modifier_indexes: tuple[int, ...],
    ) -> EffectiveSettings:
        """Return the effective settings of a response (`compiled`) of an item with these modifiers."""
        key = (item_index, response_index, modifier_indexes)
        effective = self._effective_settings.get(key)
        if effective is None:
            items = self.catalog.items
            item = None if item_index is None else items[item_index]
            effective = effective_settings(item, compiled, [items[index] for index in modifier_indexes])
            self._effective_settings.put(key, effective)
        return effective

    def generate_tool_call(
        self,
        tool: Tool,
        request: Request,
        randomness: Randomness,
        settings: EffectiveSettings,
        deferrable: bool,
    ) -> GeneratedToolCall:
        """Return the call of a tool that a response with these settings has. Raise BudgetExceeded where it takes
        more work than allowed, and with `deferrable` PlanningTooLong where it takes long (`Budget`)."""
        size, stream = settings.tool_call_chunk_size or DEFAULT_CHUNK_SIZE, settings.merged.stream
        in_chunks = request.stream if stream is None else stream
        return generate_tool_call(
            tool, request, randomness, self._max_generated, size, in_chunks=in_chunks, deferrable=deferrable
        )

    def check_planning_effort(self, request: Request, *, deferrable: bool) -> None:
        """Raise BudgetExceeded where a response has more vectors or echoed prompts than allowed; with `deferrable`
        raise PlanningTooLong where planning takes long."""
        components, echoed = request.vector_components, request.echoed_characters
        check_vector_size(components, self._max_generated)
        check_echo_size(echoed, self._max_generated)
        if not deferrable:
            return
        is_long = components > MANY_COMPONENTS or echoed > LONG_TEXT or request.planning_takes_long
        if is_long or (request.generates and len(request.raw) > LONG_REQUEST):
            raise PlanningTooLong

    def _mcp_plan(self, context: PlanContext, spec: McpServerSpec) -> Plan:
        """Return the response of an MCP server by its description."""
        reply = mcp_reply(spec, dict(context.request.mcp))
        if reply is None:
            missing = Failure("model_not_found")
            context.error = missing.type
            plan = context.dialect.error(missing, context.request, context.identity)
            return self.apply_settings(plan, context)
        old = context.compiled
        context.compiled = CompiledResponse(
            reply,
            old.settings,
            is_static(reply),
            old.files,
            sends_messages_before_result=reply.sends_messages_before_result,
        )
        return self._reply_plan(context, context.dialect)  # type: ignore[arg-type]

    def _error_plan(self, context: PlanContext, spec: ErrorSpec) -> Plan:
        """Return the plan of a scenario's error, without settings."""
        # without a longest wait: retry_after is no wait of the server's
        evaluation = EvaluationContext(context.template_scope, context.randomness)
        failure = failure_from_spec(evaluate(spec, evaluation)).scaled(context.reported_time_scale)
        error = failure.for_dialect(context.dialect.name, DIALECT_NAMES)
        context.error = error.type
        return error_plan(context.dialect, error, context.request, context.identity)

    def _replay_plan(self, context: PlanContext, spec: ReplaySpec) -> Plan:
        """Return a recording with its own bytes. `pace` applies only with `timing: none`, where
        `spec.speed` is None."""
        resolved, request = _resolve(context), context.request
        if spec.messages is not None:
            plan = with_settings(self._websocket_replays.plan(context, spec, resolved), resolved, context)
            return with_plan_faults(context, plan, resolved.faults)
        plain = bool(resolved.faults) or request.is_for_mcp_server
        replayed = self._recordings.replay(context.compiled, request, context.dialect, uncompressed=plain)
        plan, context.tool_call_count = replayed.plan, replayed.tool_call_count
        if spec.speed is None and not resolved.unpaced:
            waits = chunk_waits(resolved.pace, replayed.chunk_tokens, context.randomness.random("pace"))
            slowdown = resolved.pace.slowdown
            plan = paced(plan, waits, slowdown) if plan.streamed else paced_body(plan, sum(waits))
            plan = with_max_wait(plan, resolved.max_wait)
        background = plan.background and replace(plan.background, plan=plan)  # a resumed stream is paced, too
        plan = with_plan_faults(context, with_settings(plan, resolved, context), resolved.faults)
        plan = replace(plan, background=background)
        return gzipped(plan) if replayed.gzipped and accepts_coding(request.headers) else plan

    def _reply_plan(self, context: PlanContext, dialect: ReplyDialect) -> Plan:
        """Return the plan of a reply with all settings and faults. Faults change the reply, then the supported reply,
        then the plan."""
        context.use_default_model(self.catalog.models)
        request, resolved = context.request, _resolve(context)
        reply_is_static = context.compiled.static and request.generates
        if not resolved.faults:
            reply = dialect.supported_reply(self._reply_with_required_parts(context, dialect), request)
            return self._encoded_plan(context, dialect, reply, resolved, reply_is_static=reply_is_static)
        reply_faults = [
            (index, each) for index, each in enumerate(resolved.faults) if isinstance(each, ReplyFault)
        ]
        after_supported_reply = [pair for pair in reply_faults if pair[1].applies_after_supported_reply]
        before_supported_reply = [pair for pair in reply_faults if not pair[1].applies_after_supported_reply]
        plan_faults = [fault for fault in resolved.faults if not isinstance(fault, ReplyFault)]

        def plan_of(reply: Reply) -> Plan:
            """Return the plan before the faults of plans. Faults of the reply read it, too."""
            # a fault may have added what the protocol lacks
            supported = dialect.supported_reply(reply, request)
            still_static = reply_is_static and not reply_faults
            encoded = self._encoded_plan(context, dialect, supported, resolved, reply_is_static=still_static)
            needs_texts = not context.streamed and supported.failure is None
            return replace(encoded, chunk_texts=chunk_texts_of(supported)) if needs_texts else encoded

        reply = self._reply_with_required_parts(context, dialect)
        reply = with_reply_faults(reply, before_supported_reply, context, plan_of, self._max_generated)
        reply = dialect.supported_reply(reply, request)
        reply = with_reply_faults(reply, after_supported_reply, context, plan_of, self._max_generated)
        failure = reply.failure
        # `in_chunk`: the error is in the chunk with the finish reason, not in a separate event
        if failure is not None and failure.in_chunk and not dialect.capabilities.errors_in_chunks:
            context.notes.append(f"in_chunk left out: {dialect.api} of {request.provider} has its own events")
        plan = plan_of(reply)
        faulty = with_plan_faults(context, plan, plan_faults)
        # a client that polls or resumes a response in the background gets it without these faults
        return faulty if plan.background is None else replace(faulty, background=plan.background)

    def _encoded_plan(
        self,
        context: PlanContext,
        dialect: ReplyDialect,
        reply: Reply,
        resolved: ResolvedSettings,
        *,
        reply_is_static: bool,
    ) -> Plan:
        """Return the plan of a supported reply, with pacing, headers and delay; `reply_is_static`: it is constant."""
        request, failure = context.request, reply.failure
        context.unpaced = resolved.unpaced
        if context.deferrable and _chunk_count(reply) > LONG_STREAM:
            raise PlanningTooLong
        if failure is not None:
            context.error = failure.type
            failure = failure.scaled(context.reported_time_scale)
            reply = replace(reply, failure=failure.for_dialect(context.dialect.name, DIALECT_NAMES))
        if request.background:
            stream = self._stream(context, dialect, reply, reply_is_static=False)
            plan = paced_stream(context, stream, reply, resolved)
            in_background = cast(BackgroundDialect, dialect).in_background
            plan = in_background(plan, resolved.pace, request, context.identity, streamed=context.streamed)
        elif context.streamed:
            stream = self._stream(context, dialect, reply, reply_is_static=reply_is_static)
            plan = paced_stream(context, stream, reply, resolved)
            # a client that resumes the stream gets the rest of the paced one
            if plan.background is not None and plan.streamed:
                plan = replace(plan, background=replace(plan.background, plan=plan))
            if reply.event_extras:
                context.note_unknown_events(plan, reply.event_extras.get(dialect.name, {}))
        else:
            if reply.failure is None:
                plan = dialect.encode_body(reply, request, context.identity)
            else:
                plan = error_plan(dialect, reply.failure, request, context.identity)
            if resolved.pace.body_takes_stream_time:
                plan = paced_as_streamed(context, plan, reply, resolved)
        return with_settings(plan, resolved, context)

    def _reply_with_required_parts(self, context: PlanContext, dialect: ReplyDialect) -> Reply:
        """Return the rendered reply with all that its protocol needs; note the parts that the protocol lacks."""
        reply = self._rendered_reply(context, dialect)
        context.tool_call_count = sum(
            [type(part) is ToolCall for choice in reply.choices for part in choice.parts]
        )
        # `extras` may replace a call that the encoder writes, and a prerendered call has placeholders
        if context.tool_call_count and not (reply.extras or reply.event_extras or context.prerendering):
            context.identity = context.identity.collecting_tool_calls()
        context.notes += reply_notes(reply, dialect, context.request, streamed=context.streamed)
        reply = without_unsupported_media(reply, dialect, context.request)
        if context.request.makes_media:
            reply = cast(MediaDialect, dialect).with_required_media(reply, context.request)
        return reply

    def _rendered_reply(self, context: PlanContext, dialect: ReplyDialect) -> Reply:
        """Return the reply. A static one of a generating call is cached by what its chunks depend on."""
        compiled, request = context.compiled, context.request
        size = context.chunk_size = chunk_size(context.settings.merged, context.source_context)
        new_renderer = partial(
            ReplyRenderer, request, context.randomness, size, compiled.files.__getitem__, context.streamed,
            max_generated=self._max_generated, max_characters=LONG_TEXT if context.deferrable else inf,
        )  # fmt: skip
        if not (compiled.static and request.generates):
            resolved = _resolve(context)
            in_parts = resolved.faults or context.streamed or request.background
            renderer = new_renderer(
                arguments_in_one_chunk=resolved.unpaced and not in_parts,
                generated_tool_call=context.generated_tool_call,
            )
            reply = render(renderer, evaluate(compiled.spec, context.evaluation_context), dialect)
            context.notes += renderer.notes
            return with_cached_tokens(reply, context)
        key = (compiled, size, request.output_bounds.key, context.streamed, dialect.capabilities.choices)
        cached = self._static_replies.get(key)
        if cached is None:
            renderer = new_renderer()
            cached = (render(renderer, compiled.spec, dialect), tuple(renderer.notes))
            if not context.prerendering:
                self._static_replies.put(key, cached, 1 + _chunk_count(cached[0]) // CHUNKS_OF_CACHED_REPLY)
        reply, notes = cached
        context.notes += notes
        reply = reply if compiled.sets_input_tokens else with_input_tokens(reply, request.input_tokens)
        return with_cached_tokens(reply, context)

    def _stream(
        self, context: PlanContext, dialect: ReplyDialect, reply: Reply, *, reply_is_static: bool
    ) -> EncodedStream:
        """Return the stream of a reply, without the waits of the pace."""
        compiled = context.compiled

        def render_stream(identity: ResponseIdentity, request: Request, _: object) -> EncodedStream:
            counted = reply if compiled.sets_input_tokens else with_input_tokens(reply, request.input_tokens)
            plan = _stream_plan(dialect, counted, request, identity)
            return EncodedStream(plan, timed_chunks(counted)[0])

        # the response cache stores the whole response, so not its events alone
        cached_whole = (
            context.settings.cached_by == "key"
            and context.slowdown == 1.0
            and context.continuous_batch_times is None
        )
        # an error is not cached: it may state a wait, and name the API key and the path of its request
        if not reply_is_static or cached_whole or context.prerendering or reply.failure is not None:
            chunks = () if context.unpaced else timed_chunks(reply)[0]
            return EncodedStream(_stream_plan(dialect, reply, context.request, context.identity), chunks)
        parameters: tuple[Hashable, ...] = (context.request.query_string,)
        if not compiled.request_independent:
            parameters = (
                context.request.model,
                context.request.output_bounds.key,
                dialect.encoding_key(context.request),
                context.cached_tokens,
            )
        key = (compiled, context.chunk_size, dialect, *parameters)  # type: ignore[arg-type]  # mypy: a `Protocol` is hashable
        find_or_render = self.response_cache.find_or_render_stream
        return find_or_render(key, context.identity, context.request, render_stream)


def _resolve(context: PlanContext) -> ResolvedSettings:
    settings = context.settings
    resolved = settings.resolved or resolve_settings(settings.merged, context.source_context)
    if context.continuous_batch_times is not None:
        resolved = resolved.timed(context.continuous_batch_times.ttft, context.continuous_batch_times.itl)
    return resolved if context.slowdown == 1.0 else resolved.slower(context.slowdown)


def _stream_plan(dialect: ReplyDialect, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
    """Return the stream of a supported reply, with the members that the scenario adds to its events."""
    plan = dialect.encode_stream(reply, request, identity)
    extras = reply.event_extras.get(dialect.name)
    return with_event_extras(plan, extras, dialect.event_layout(request)) if extras else plan


def _chunk_count(reply: Reply) -> int:
    parts = [part for choice in reply.choices for part in choice.parts]
    return sum(len(part.chunks) for part in parts if not isinstance(part, NativePart))
