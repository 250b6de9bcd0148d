"""What a response plan is made of, what is collected while it is made, and how faults and settings change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from math import inf
from typing import cast

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.faults import Fault, FormFault, NotApplicable, ReplyFault, ReplyFaultContext
from mockllm.core.faults.changed_steps import faults_by_step
from mockllm.core.json.codec import Json
from mockllm.core.load.continuous_batch import ContinuousBatchTimes
from mockllm.core.prompt_cache.policy import NOTHING_CACHED, CachedTokens
from mockllm.core.quantities.parse import ChunkSize
from mockllm.core.randomness import Randomness
from mockllm.core.rendering.event_extras import unknown_events
from mockllm.core.rendering.extra_fields import with_extra_fields
from mockllm.core.rendering.placeholders import PlaceholderIds
from mockllm.core.rendering.plan import BackgroundRun, BatchStart, Headers, Plan, ResponseHead, WaitStep
from mockllm.core.reply.chunking import DEFAULT_CHUNK_SIZE
from mockllm.core.reply.reply import GeneratedToolCall, Reply
from mockllm.core.request.request import Request
from mockllm.core.templates.template import TemplateScope
from mockllm.core.values.types import EvaluationContext
from mockllm.dialects.dialect import Dialect, ReplyDialect, ResponseIdentity
from mockllm.engine.effective_settings import EffectiveSettings
from mockllm.scenario.catalog import CompiledResponse
from mockllm.scenario.language.reply import ReplySpec
from mockllm.scenario.language.settings import ThenPostSpec
from mockllm.scenario.settings_merge import ResolvedSettings, SettingSource


class PlanContext(Struct):
    """The inputs of one plan, and its outputs beside the plan: `notes`, `faults`, `faults_by_step`, `error`,
    `tool_call_count` and `webhook_specs` are collected while the plan is made. `chunk_size`, `unpaced` and others of
    the optional fields are set then, too. `request`, `compiled` and `identity` may be replaced."""

    request: Request
    dialect: Dialect
    compiled: CompiledResponse
    """The scenario's response. While it is planned, a decoded recording or the reply of an MCP server replaces it."""
    settings: EffectiveSettings
    template_scope: TemplateScope
    randomness: Randomness
    identity: ResponseIdentity
    modifier_context: Callable[[int], EvaluationContext]
    """Returns the context in which a modifier's settings are evaluated."""
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    faults_by_step: dict[int, str] = field(default_factory=dict)
    """The faults by the indexes of the steps of a stream that they changed."""
    error: str | None = None
    tool_call_count: int = 0
    """The number of tool calls in the response."""
    chunk_size: ChunkSize = DEFAULT_CHUNK_SIZE
    """The size of the chunks into which the reply's texts are divided."""
    max_wait: float = inf
    """The longest wait that values of the request may cause, in seconds (`--max-delay`)."""
    limit_headers: Headers = ()
    """The state of the request's rate limits, in its provider's headers."""
    deferrable: bool = False
    """Whether a long reply raises PlanningTooLong, so that another thread makes the plan."""
    webhook_specs: Sequence[ThenPostSpec] = ()
    """The requests that the server sends when the response has ended."""
    admission_wait: float = 0.0
    """Seconds for which rate limits and loads delay the response."""
    unpaced: bool = False
    """Whether the pace adds no waits, and changes none (`ResolvedSettings.unpaced`)."""
    reported_time_scale: float = 1.0
    """The factor on times that the response reports: see `DecidedRequest`."""
    cached_tokens: CachedTokens = NOTHING_CACHED
    """The tokens that the prompt cache read and wrote."""
    slowdown: float = 1.0
    """The factor of the loads on all waits of the pace. The pace has a factor, too: its `slowdown`."""
    continuous_batch_times: ContinuousBatchTimes | None = None
    """The times in the continuous batch of a load, which replace those of the pace."""
    generated_tool_call: GeneratedToolCall | None = None
    """The tool call of the reply, where it is generated already."""

    @property
    def evaluation_context(self) -> EvaluationContext:
        """The context in which the templates and draws of the response are evaluated."""
        return EvaluationContext(self.template_scope, self.randomness, max_wait=self.max_wait)

    @property
    def streamed(self) -> bool:
        """Whether a reply is sent as a stream. Without a setting, that of an MCP server with messages before its
        result always is."""
        stream = self.settings.merged.stream
        if stream is not None:
            return stream
        return self.request.stream or (
            self.compiled.sends_messages_before_result and self.request.is_for_mcp_server
        )

    @property
    def prerendering(self) -> bool:
        """Whether the plan is made with placeholders, for the response cache: no other cache may store it."""
        return isinstance(self.identity.ids, PlaceholderIds)

    def use_default_model(self, rule_models: Sequence[str]) -> None:
        """Give a request without a model the default one of its call (`DefaultModelDialect`)."""
        default_model = None if self.request.model else getattr(self.dialect, "default_model", None)
        model = None if default_model is None else default_model(rule_models)
        if model is not None:
            self.request = copy(self.request)
            vars(self.request)["model"] = model

    def note_unknown_events(self, plan: Plan, extras: Mapping[str, Json]) -> None:
        """Note the extras of events that the stream does not have; once, however often the plan is made."""
        for name in unknown_events(plan, extras):
            note = f"extras left out: the stream has no event {name}"
            if note not in self.notes:
                self.notes.append(note)

    def source_context(self, source: SettingSource) -> EvaluationContext:
        """Return the context in which a setting from this source is evaluated (`SettingSource`)."""
        is_modifier = source >= 0
        return self.modifier_context(source) if is_modifier else self.evaluation_context


# --- settings ----------------------------------------------------------------------------------------


def with_settings(plan: Plan, resolved: ResolvedSettings, context: PlanContext) -> Plan:
    """Return the plan with the headers of rate limits and settings, added fields, all delays and the hold. Note its
    webhooks in the context."""
    if context.limit_headers:
        plan = replace(plan, head=plan.head.with_per_response_headers(context.limit_headers))
    if resolved.headers:
        plan = replace(plan, head=_with_headers(plan.head, resolved.headers))
    if resolved.extras:
        plan = with_extra_fields(plan, resolved.extras)
    if resolved.has_hold_or_webhooks:
        context.webhook_specs = resolved.webhook_specs
    if resolved.hold is not None:
        plan = replace(plan, delivery=replace(plan.delivery, hold=resolved.hold))
    delay = resolved.delay + context.admission_wait
    return replace(plan, delay=plan.delay + delay) if delay else plan


def _with_headers(head: ResponseHead, headers: Sequence[tuple[str, str | None]]) -> ResponseHead:
    """Return the head with these headers, and without those that are None."""
    for name, value in headers:
        if value is None:
            head = head.without(name.lower())
    return head.with_headers(tuple((name, value) for name, value in headers if value is not None))


def with_batch_job_waits(plan: Plan, background: BackgroundRun, resolved: ResolvedSettings) -> Plan:
    """Return the plan of the response to the creation of a batch job, with the waits of the job's states."""
    assert isinstance(background, BatchStart), "a call without a reply begins nothing else"
    return replace(plan, background=replace(background, waits=resolved.pace.batch_waits))


def with_max_wait(plan: Plan, max_wait: float) -> Plan:
    """Return the plan with no wait longer than `max_wait` seconds."""
    steps = tuple(
        replace(step, seconds=min(step.seconds, max_wait)) if isinstance(step, WaitStep) else step
        for step in plan.steps
    )
    return replace(plan, steps=steps)


# --- faults ------------------------------------------------------------------------------------------


def with_reply_faults(
    reply: Reply,
    faults: Sequence[tuple[int, ReplyFault]],
    context: PlanContext,
    plan_of: Callable[[Reply], Plan],
    max_generated: int,
) -> Reply:
    """Return the reply with these faults. Each comes with its number among all faults, which selects its draws."""
    for number, fault in faults:
        random = context.randomness.random(f"fault {number}")
        fault_context = ReplyFaultContext(context.request, context.streamed, random, plan_of, max_generated)
        try:
            reply = fault.apply_in_context(reply, fault_context)
        except NotApplicable as reason:
            context.notes.append(f"{fault.name} not applied: {reason}")
        else:
            context.faults.append(fault.name)
    return reply


def with_plan_faults(context: PlanContext, plan: Plan, faults: Sequence[Fault]) -> Plan:
    """Return the plan with these faults."""
    delivery_faults: set[str] = set()  # a fault that replaces the content undoes none of these
    for fault in faults:
        try:
            changed = _with_fault(context, plan, fault)
        except NotApplicable as reason:
            context.notes.append(f"{fault.name} not applied: {reason}")
            continue
        if fault.replaces_response:
            replaced = [
                name
                for name in context.faults
                if name not in delivery_faults or changed.delivery.sends_nothing
            ]
            context.faults = [name for name in context.faults if name not in replaced]
            context.notes += [f"{name} not applied: {fault.name} replaces it" for name in replaced]
        context.faults.append(fault.name)
        if replace(plan, delivery=changed.delivery) == changed:  # only the delivery has changed
            delivery_faults.add(fault.name)
        if plan.streamed:
            places = context.faults_by_step
            context.faults_by_step = faults_by_step(plan.steps, changed.steps, places, fault.name)
        plan = changed
    return plan


def _with_fault(context: PlanContext, plan: Plan, fault: Fault) -> Plan:
    """Return the plan with one fault. A fault of form removes, repeats or moves members of a stream's events. The
    dialect knows their places in the stream of a reply only."""
    has_reply = context.dialect.generates or context.request.makes_media
    is_reply = has_reply and isinstance(context.compiled.spec, ReplySpec)
    if plan.delivery.sends_nothing or not isinstance(fault, FormFault) or not is_reply:
        return fault.apply(plan)
    dialect = cast(ReplyDialect, context.dialect)
    return fault.apply_to_stream(plan, dialect.event_layout(context.request))


def with_all_headers_per_response(plan: Plan) -> Plan:
    """Return the plan with all headers as per-response ones: a limit's headers differ each time."""
    head = plan.head
    return replace(plan, head=ResponseHead(head.status, (), head.headers))
