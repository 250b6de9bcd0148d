"""The compiled rules and modifiers in their order, behind one index.

A catalog never changes. A reload creates a new catalog and reuses unchanged items.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.limits.limit_data import Limit
from mockllm.core.load.load import Load
from mockllm.core.matching.matchers import Matcher
from mockllm.core.matching.rule_matching import RuleIndex
from mockllm.core.randomness import Randomness
from mockllm.core.request.mcp_server import McpServer
from mockllm.core.selection.decision import Validation
from mockllm.core.selection.guards import Guard, StateValue
from mockllm.core.values.dynamic import EvaluationContext, evaluate, with_fields
from mockllm.scenario.language.error import ErrorSpec
from mockllm.scenario.language.mcp_server import McpServerSpec
from mockllm.scenario.language.proxy import ProxySpec
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.reply import HttpSpec, ReplySpec
from mockllm.scenario.language.settings import Settings


class CompiledResponse(Struct, frozen=True, eq=False):
    """One response: a reply, an error, plain HTTP, a recording, or the response of another server. `static`:
    nothing in it is templated, drawn or dependent on the request in another way."""

    spec: ReplySpec | ErrorSpec | HttpSpec | ReplaySpec | ProxySpec | McpServerSpec
    settings: Settings
    static: bool
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The contents of the files that the response names."""
    sets_input_tokens: bool = False
    """Whether the response states the number of input tokens itself."""
    request_independent: bool = False
    """Whether nothing depends on the body: every request gets the same response, and rendering does not read the
    body."""
    sends_messages_before_result: bool = False
    """Whether an MCP server sends messages before the result, so that its response is a stream."""
    templated_text: bool = False
    """Whether it would be static but for its text, which is a template."""
    generates_tool_call: bool = False
    """Whether it would be static but for the call of an offered tool, which is all that it has."""
    literal_tool_names: frozenset[str] = frozenset()
    """The tools that it calls by names without templates, with arguments that are written; none where nothing depends
    on the body."""

    def with_text(self, context: EvaluationContext) -> tuple[CompiledResponse, str]:
        """Return the response with its text instead of the template, and the text. Raise TemplateFailure where the
        request lacks a value that the template reads."""
        text = self.text(context)
        return replace(self, spec=with_fields(self.spec, {"text": text})), text

    def text(self, context: EvaluationContext) -> str:
        """Return the text that a template has for a request. Raise TemplateFailure as `with_text` does."""
        assert isinstance(self.spec, ReplySpec)
        return str(evaluate(self.spec.text, context))


class ResponseSelector(Struct, frozen=True):
    """The compiled responses of a rule. It selects one of them for each request. `cumulative` are running sums: of
    steps' times in a sequence, of weights in a choice; empty if there is only one response."""

    responses: Sequence[CompiledResponse]
    mode: Literal["one", "sequence", "choose"] = "one"
    cumulative: Sequence[float] = ()
    then: Literal["repeat_last", "cycle", "fall_through", "error"] = "repeat_last"
    sticky: bool = False
    """Whether there is one choice for each scope."""

    @property
    def fall_through_after(self) -> int | None:
        """The maximum number of responses. In a sequence that falls through, its steps' `times` add up to it; it is 0
        for a choice whose weights are all 0."""
        if self.mode == "sequence" and self.then == "fall_through":
            return int(self.cumulative[-1])
        return 0 if self.mode == "choose" and not self.cumulative[-1] else None

    @property
    def max_responses(self) -> int | None:
        """The number of responses after which requests are unmatched: the sum of the `times` of the steps. None for
        all but a sequence with `then: error`."""
        if self.mode != "sequence" or self.then != "error":
            return None
        return int(self.cumulative[-1])

    def pick(self, count: int, randomness: Randomness) -> int | None:
        """Return the index of the next response after a number of responses; None if a sequence has ended."""
        if self.mode == "one":
            return 0
        if self.mode == "choose":
            drawn = randomness.uniform("choose") * self.cumulative[-1]
            return min(bisect_right(self.cumulative, drawn), len(self.cumulative) - 1)
        total = int(self.cumulative[-1])
        if count >= total:
            if self.then == "cycle":
                count %= total
            elif self.then == "repeat_last":
                return len(self.cumulative) - 1
            else:
                return None
        return bisect_right(self.cumulative, count)


class CatalogItem(Struct, frozen=True):
    """A rule or a modifier. `id` is for users (`a.yaml:greeting`), `key` names
    its counts. `digest` is a hash of its parsed text: a reload compiles it again only if that has changed. A rule
    has a `selector`, which has its responses; a modifier may have an `error`. `layer` is the precedence of its file
    or overlay: the lower layer has precedence."""

    id: str
    file_and_line: str
    key: str
    digest: str
    layer: int
    matcher: Matcher
    per: str = "global"
    """The kind of scope by which its counters are separated, as the key `per` names it. Within a session, `global`
    has one scope, and `conversation`, for example, one for each conversation."""
    guard: Guard | None = None
    validation: Validation = "strict"
    known_models_only: bool = False
    """Whether it responds for known models only."""
    selector: ResponseSelector | None = None
    settings: Settings | None = None
    error: CompiledResponse | None = None
    params: Mapping[str, Json] = field(default_factory=dict)
    """The values of the parameters of its pack."""
    captures: bool = False
    """Whether its match has regex groups, or a condition on a tool result: a template may name what they matched."""
    models: Sequence[str] = ()
    """The model names that its match spells out."""
    paths: Sequence[str] = ()
    """The paths that its match spells out."""
    sets: Mapping[str, StateValue] | None = None
    """The named states that it sets: a rule when it responds, a modifier when it applies."""
    limit: Limit | None = None
    load: Load | None = None
    server: McpServer | None = None
    """The MCP server that it describes."""
    names_calls: bool = False
    """Whether it is a modifier whose match names calls, by path, api, mcp or form."""

    @property
    def needs_counts(self) -> bool:
        """Whether its counts choose a response or belong to a scope of their own, or it has a guard, states, a limit
        or a load."""
        several = self.selector is not None and self.selector.mode != "one"
        return several or self.per != "global" or bool(self.guard or self.sets or self.limit or self.load)

    @property
    def max_responses(self) -> int | None:
        """The number of its responses after which requests are unmatched; None without an end."""
        return None if self.selector is None else self.selector.max_responses

    def earlier_responses(self, eligible: int) -> int:
        """Return the number of responses in `eligible` eligible tries of one scope."""
        responses = eligible if self.guard is None else self.guard.earlier_responses(eligible)
        return responses if self.max_responses is None else min(responses, self.max_responses)


class Catalog(Struct, frozen=True):
    """All compiled items: first the rules, in the order in which they are tried, then the modifiers in theirs."""

    items: Sequence[CatalogItem]
    rule_count: int
    """How many of the items are rules."""
    index: RuleIndex
    models: Sequence[str] = ()
    """The literal model names of the rules."""
    file_count: int = 0
    known_models_only: bool = False
    """Whether all rules respond for known models only; built-in responses then know no others either."""
    own_response_validation: Validation = "strict"
    """The validation of calls that the protocol serves without a rule: the strictest of the user's rules."""
    mcp_servers: Mapping[str, McpServer] = field(default_factory=dict)
    """The MCP servers by name; the first of a name counts."""
    uses_packs: bool = False
    """Whether any pack is used; if none is, the response to an unmatched request suggests `use: [default]`."""
    root_provider: str | None = None
    """The provider whose paths need no prefix: that of the first file that names one."""
    findings: Sequence[str] = ()
    """The names of the findings that the files replay, if there are several: each responds in the session of its name
    only."""
    pack_files: int = 0
    """How many of the files belong to packs."""

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(item.key for item in self.items)

    @property
    def response_counts(self) -> Mapping[str, Callable[[int], int]]:
        """By key, the number of responses by that of eligible tries; without the items that respond to each."""
        return {
            item.key: item.earlier_responses
            for item in self.items
            if item.guard is not None or item.max_responses is not None
        }
