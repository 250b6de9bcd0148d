"""The engine's result for one request: the plan to play, and the facts about it for log and journal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.batch import BatchJob
from mockllm.core.display import brief
from mockllm.core.load.continuous_batch import ContinuousBatchTimes
from mockllm.core.rendering.framing import plan_duration
from mockllm.core.rendering.plan import Headers, Hold, Plan
from mockllm.core.rendering.prerendered_response import PrerenderedResponse
from mockllm.core.rendering.stored_parts import StoredParts
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.core.request.tools import CLIENT_RUN_KINDS
from mockllm.core.selection.decision import InFlightSlot, Validation
from mockllm.core.webhook import Webhook

UNKNOWN_FIELD: Final = "unknown field "
"""The beginning of a note on an unknown field."""
MAX_UNDOCUMENTED_FIELDS: Final = 3
"""The most unknown fields of a request that are noted."""
MAX_NAMED_TOOLS: Final = 5
"""The most names of tools that a note lists."""


class PlannedResponse(Struct, frozen=True):
    """The response of the engine to one request, before bytes are written, and what log and journal say about it.

    `content` is the plan, or a prerendered response of the response cache, whose placeholders have the values of
    `placeholder_values`. `responder_id` is the id of the rule that responds, as a person reads it
    (`a.yaml:greeting`). It is that of a modifier whose error, limit or load responds, or names the call
    (`openai:models`) that responds without a rule. For any other response it is None. Users see it as `rule`, in the
    journal and in metrics, for example. `modifiers` are the ids of the modifiers that apply. `notes` are remarks for
    access log and journal, such as a fault that could not be applied. `unmatched`: the request is valid, and neither
    a rule, a modifier nor the dialect responds; also where the rule's sequence has ended. False
    for `/favicon.ico`, and for a WebSocket that no provider has.
    """

    content: Plan | PrerenderedResponse
    responder_id: str | None
    modifiers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unmatched: bool = False
    error: str | None = None
    """The neutral name of the error, if the response is one."""
    faults: tuple[str, ...] = ()
    """The faults that were applied."""
    near_misses: tuple[str, ...] = ()
    """The lines that `near_misses.py` makes for an unmatched request: on rules, or on what is wrong with the path.
    Secrets are not removed."""
    tool_calls: tuple[tuple[str | int, str], ...] = ()
    """Pairs of a call's id and its tool. An int is the id's index in `placeholder_values`."""
    literal_tool_names: frozenset[str] = frozenset()
    """The tools that its reply calls by a name without a template. If a request offers others, the response may
    get a note (`unoffered_tool_notes`)."""
    webhooks: tuple[Webhook, ...] = ()
    """The webhooks of the response, to the addresses of `then_post` or of a client, at their times."""
    batch_job: BatchJob | None = None
    """The lines of a new batch job, which the server serves."""
    faults_by_step: tuple[tuple[int, str], ...] = ()
    """The faults by the indexes of the steps of a stream that they changed."""
    slot: InFlightSlot | None = None
    """The slot of the response in limits and loads, until it ends (`slot.release()`)."""
    continuous_batch_times: ContinuousBatchTimes | None = None
    """Its times in the continuous batch of a load, as an inference server runs it."""
    limit_headers: Headers = ()
    """The headers of rate limits. They replace those of `content` with the same names."""
    time_scale: float = 1.0
    """Factor on all waits of the plan: the plan has the scenario's times."""
    seed_token: str = ""
    """The seed token that reproduces the response; empty where it follows from the id seed, or where the engine
    decided nothing."""
    id_seed: bytes = b""
    """The id seed of a cached response (`Ids.id_seed`); empty for any other."""
    responder_key: str | None = None
    """The key of the rule or modifier whose response this is: two of them may have the same id. None for a
    refusal by a limit or load, and for any response that neither a rule nor a modifier makes."""
    placeholder_values: Sequence[bytes] = ()
    """The values of the placeholders of `content`, in their order."""
    cached_from: PlannedResponse | None = None
    """The cached response that differs in nothing but `id_seed`, the values and `time_scale`. None for any other
    response. The journal refers to it."""
    updates_computed_in_thread: Sequence[StorageUpdate] | None = None
    """The updates of stored objects, if a thread has already made them from the bytes of the response."""

    def with_placeholder_values(self, id_seed: bytes, values: Sequence[bytes]) -> PlannedResponse:
        """Return the same response with these values and this id seed."""
        return replace(self, id_seed=id_seed, placeholder_values=values)

    def with_plan(self, plan: Plan, *notes: str) -> PlannedResponse:
        """Return the same response with another plan of it and further notes."""
        return replace(
            self,
            content=plan,
            notes=(*self.notes, *notes),
            tool_calls=tuple(self.tools_by_call_id.items()) if self.tool_calls else (),
            limit_headers=(),
            placeholder_values=(),
            cached_from=None,
        )

    def with_request_notes(self, request: Request, validation: Validation) -> PlannedResponse:
        """Return the response with notes of the request's undocumented fields, which `strict` validation accepts.
        Also note the `literal_tool_names` that the request does not offer."""
        has_undocumented_fields = validation == "strict" and request.undocumented_fields
        if not has_undocumented_fields and not self.literal_tool_names:
            return self
        notes = undocumented_field_notes(request.undocumented_fields) if has_undocumented_fields else []
        notes += unoffered_tool_notes(self.literal_tool_names, request)
        return replace(self, notes=(*self.notes, *notes), cached_from=None) if notes else self

    def with_admission(self, headers: Headers, wait: float) -> PlannedResponse:
        """Return the same response with what an admission adds: the headers of limits, and the delay in seconds."""
        if not wait:
            return replace(self, limit_headers=headers) if headers else self
        plan = self.plan
        head = plan.head.with_per_response_headers(headers)
        return self.with_plan(replace(plan, head=head, delay=plan.delay + wait), *delay_notes(wait))

    def refilled(self, id_seed: bytes, now: float, input_tokens: int) -> PlannedResponse:
        """Return the response whose `cached_from` this is, by its id seed, time and input tokens."""
        assert isinstance(self.content, PrerenderedResponse)
        return self.with_placeholder_values(
            id_seed, self.content.compute_placeholder_values(id_seed, now, input_tokens)
        )

    @property
    def tools_by_call_id(self) -> dict[str, str]:
        """The tools that it calls, by the calls' ids."""
        values = self.placeholder_values
        return {id if isinstance(id, str) else values[id].decode(): tool for id, tool in self.tool_calls}

    @property
    def stored_parts(self) -> StoredParts | None:
        """What the dialect stores of the response; None where that is read from the plan."""
        content = self.content
        form = content.stored_parts if isinstance(content, PrerenderedResponse) else None
        return None if form is None else form.fill(self.placeholder_values)

    @property
    def hold(self) -> Hold | None:
        """What the response waits for."""
        return self.content.delivery.hold if isinstance(self.content, Plan) else None

    @property
    def longest_duration(self) -> float:
        """The planned seconds until the response ends, if it is not released before the end of its hold."""
        return plan_duration(self.plan) + (0.0 if self.hold is None else self.hold.at_most)

    @property
    def plan(self) -> Plan:
        """The plan to play, with the values of its placeholders and the headers of limits. A prerendered response is
        filled anew at each read."""
        plan = self.content
        if isinstance(plan, PrerenderedResponse):
            plan = plan.plan(self.placeholder_values)
        if self.limit_headers:
            plan = replace(plan, head=plan.head.with_per_response_headers(self.limit_headers))
        return plan

    @property
    def status(self) -> int:
        content = self.content
        return content.status if isinstance(content, PrerenderedResponse) else content.head.status


def without_headers(headers: Headers, names: Collection[str]) -> Headers:
    """Return the headers of limits, except those with these names, which headers of the settings replace. `names` are
    in lower case."""
    return tuple([pair for pair in headers if pair[0] not in names]) if names else headers


def delay_notes(seconds: float) -> Sequence[str]:
    """Return a note of the delay by limits and loads; none if there is no delay."""
    return (f"delayed {seconds:.4g}s by a limit or load",) if seconds else ()


def undocumented_field_notes(names: Sequence[str]) -> list[str]:
    """Return notes of the first of these fields, which the request's provider does not document."""
    return [f"{UNKNOWN_FIELD}{brief(name)}" for name in names[:MAX_UNDOCUMENTED_FIELDS]]


def unoffered_tool_notes(literal_tool_names: Collection[str], request: Request) -> list[str]:
    """Return a note of the first tools that a rule calls and the request does not offer. There is no
    note for a request without tools, or with a tool that the provider runs: that may load other tools."""
    offered = request.all_tools if literal_tool_names else ()
    names = {tool.name: None for tool in offered}
    unoffered = sorted({*literal_tool_names} - names.keys())
    if not offered or not unoffered or not all(tool.kind in CLIENT_RUN_KINDS for tool in offered):
        return []
    return [f"calls {_first_names(unoffered)}, but the request offers {_first_names(names)}"]


def _first_names(names: Iterable[str]) -> str:
    """Return the first of some names of tools."""
    first = [*islice(names, MAX_NAMED_TOOLS + 1)]
    return ", ".join(map(brief, first[:MAX_NAMED_TOOLS])) + " …" * (len(first) > MAX_NAMED_TOOLS)
