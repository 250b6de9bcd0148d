"""Compiles typed rules and modifiers to a catalog. Everything that is independent of requests is computed here.

The compiler consists of generators that pause between items, so that a reload can compile in slices on the event
loop.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import accumulate
from typing import Final, TypeAlias, TypeVar

from msgspec.structs import replace

from mockllm.core.matching.conditions import Equals, Exists
from mockllm.core.matching.matchers import AllMatcher, Field, FieldMatcher, Matcher
from mockllm.core.matching.rule_matching import RuleIndex
from mockllm.core.selection.decision import Validation
from mockllm.core.selection.guards import Guard
from mockllm.core.values.dynamic import LEAVES, Expression, is_static, with_fields
from mockllm.scenario.catalog import Catalog, CatalogItem, CompiledResponse, ResponseSelector
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.content import FromSchema, SentencesText
from mockllm.scenario.language.error import ErrorSpec
from mockllm.scenario.language.match import Match
from mockllm.scenario.language.mcp_server import McpServerSpec
from mockllm.scenario.language.media import MediaSpec
from mockllm.scenario.language.proxy import ProxySpec
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.reply import (
    ChoiceSpec,
    HttpSpec,
    PartSpec,
    ReplySpec,
    ResponseSpec,
    ToolCallSpec,
)
from mockllm.scenario.language.rule import Guarded, ModifierSpec, RuleSpec
from mockllm.scenario.language.server_tools import McpSpec, ServerToolSpec
from mockllm.scenario.language.settings import Settings
from mockllm.scenario.match_compiler import matcher
from mockllm.scenario.mcp_replies import mcp_matcher
from mockllm.scenario.typed_entries import TypedEntry

T = TypeVar("T")
STRICTEST_FIRST: Final[tuple[Validation, ...]] = ("exact", "strict", "lenient", "off")
GENERATING = FieldMatcher(Field("generates"), Equals(True))
HAS_DIALECT = FieldMatcher(Field("dialect"), Exists(True))
CALL_KEYS: Final = frozenset({"path", "api", "mcp", "form"})
"""The keys of a match that name calls."""


def compile_catalog(
    entries: Sequence[TypedEntry], old: Catalog | None = None
) -> Generator[None, None, Catalog]:
    """Return the catalog of these entries, in their order; pause after each item. Unchanged items of the old
    catalog are reused."""
    known = {} if old is None else {item.key: item for item in old.items}
    items: list[CatalogItem] = []
    rules = 0
    for entry in entries:
        item = known.get(entry.key)
        if item is None or item.digest != entry.digest:
            item = compile_item(entry.with_spec())
        elif (item.file_and_line, item.layer) != (entry.file_and_line, entry.layer):
            item = replace(item, file_and_line=entry.file_and_line, layer=entry.layer)
        items.append(item)
        rules += entry.kind != "modifier"
        yield
    index = yield from RuleIndex.in_slices([item.matcher for item in items])
    models = dict.fromkeys(model for item in items[:rules] for model in item.models)
    files = len({entry.file for entry in entries})
    pack_files = len({entry.file for entry in entries if entry.layer > 0})
    strict = rules > 0 and all(item.known_models_only for item in items[:rules])
    validation = _own_response_validation(items[:rules])
    servers = {item.server.name: item.server for item in reversed(items) if item.server is not None}
    findings = tuple(dict.fromkeys(entry.session for entry in entries if entry.session is not None))
    root = next((entry.provider for entry in entries if entry.provider is not None), None)
    parts = (tuple(items), rules, index, tuple(models), files, strict, validation, servers, pack_files > 0)
    return Catalog(*parts, root_provider=root, findings=findings, pack_files=pack_files)


def _own_response_validation(rules: Sequence[CatalogItem]) -> Validation:
    """Return the strictest validation of the rules in the user's files; packs decide where these have no rules."""
    layer = min((rule.layer for rule in rules), default=0)
    own = {rule.validation for rule in rules if rule.layer == layer}
    return next((validation for validation in STRICTEST_FIRST if validation in own), "strict")


def run_steps(steps: Generator[None, None, T]) -> T:
    """Run small steps at once, without pauses, and return their result."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


def compile_item(entry: TypedEntry) -> CatalogItem:
    """Compile one rule or modifier."""
    spec = entry.spec
    common = partial(
        CatalogItem,
        id=entry.id,
        file_and_line=entry.file_and_line,
        key=entry.key,
        digest=entry.digest,
        layer=entry.layer,
        matcher=entry_matcher(entry),
        validation=entry.validation,
        known_models_only=entry.models == "strict",
        params=entry.params,
    )
    if isinstance(spec, McpServerSpec):  # it responds to the calls for which its description has a content
        settings = Settings.model_construct()
        response = CompiledResponse(spec, settings, static=False, files=entry.files)
        return common(settings=settings, selector=ResponseSelector((response,)), server=spec.server)
    common = partial(
        common,
        per=spec.per,
        captures=_uses_anywhere(spec.match, {"regex", "tool_result"}),
        models=tuple(_literals(spec.match.model)),
        paths=tuple(_literals(spec.match.path)),
        settings=spec,
        sets=spec.sets_state or None,
    )
    if isinstance(spec, ModifierSpec):
        error = None if spec.error is None else compile_response(spec.error, spec, entry)
        limit = None if spec.limit is None else spec.limit.limit
        load = None if spec.load is None else spec.load.load
        names_calls = _uses_any(spec.match, CALL_KEYS)
        return common(guard=_guard(spec), error=error, limit=limit, load=load, names_calls=names_calls)
    selector = _response_selector(spec, entry)
    return common(guard=_guard(spec, selector.fall_through_after), selector=selector)


def entry_matcher(entry: TypedEntry) -> Matcher:
    """Return the matcher for the requests of an entry, in its session where it has one."""
    base = request_matcher(entry.spec)
    if entry.session is None:
        return base
    return AllMatcher((FieldMatcher(Field("session"), Equals(entry.session)), base))


def request_matcher(spec: RuleSpec | ModifierSpec | McpServerSpec) -> Matcher:
    """Return the matcher for the requests of a rule or modifier: those that its match matches. A rule without
    path, api, mcp and form matches generating calls only; a modifier without path matches provider calls only."""
    if isinstance(spec, McpServerSpec):
        return mcp_matcher(spec)
    base = matcher(spec.match)
    if isinstance(spec, ModifierSpec):
        return base if _uses_any(spec.match, {"path"}) else AllMatcher((HAS_DIALECT, base))
    return base if _uses_any(spec.match, CALL_KEYS) else AllMatcher((GENERATING, base))


def _guard(spec: Guarded, total: int | None = None) -> Guard | None:
    times = total if spec.times is None else spec.times if total is None else min(spec.times, total)
    during = None if spec.during is None else spec.during.during
    requires = spec.requires_state or None
    if (spec.chance, times, spec.skip, spec.every, during, requires) == (None,) * 6:
        return None
    return Guard(spec.chance, times, spec.skip or 0, spec.every or 1, during, requires)


def _response_selector(spec: RuleSpec, entry: TypedEntry) -> ResponseSelector:
    if spec.sequence is not None:
        responses = tuple(compile_response(_response_spec(step), step, entry) for step in spec.sequence)
        bounds = tuple(accumulate(step.times for step in spec.sequence))
        return ResponseSelector(responses, "sequence", bounds, spec.then or "repeat_last")
    if spec.choose is not None:
        responses = tuple(compile_response(_response_spec(branch), branch, entry) for branch in spec.choose)
        weights = tuple(accumulate(branch.weight for branch in spec.choose))
        return ResponseSelector(responses, "choose", weights, sticky=spec.sticky)
    return ResponseSelector((compile_response(_response_spec(spec), spec, entry),))


ResponseKind: TypeAlias = ReplySpec | ErrorSpec | HttpSpec | ReplaySpec | ProxySpec


def _response_spec(spec: ResponseSpec) -> ResponseKind:
    specs: Iterable[ResponseKind | None] = (spec.reply, spec.error, spec.http, spec.replay, spec.proxy)
    return next(response for response in specs if response is not None)


def compile_response(spec: ResponseKind, settings: Settings, entry: TypedEntry) -> CompiledResponse:
    """Compile one response, with the parts that are known in advance."""
    nodes = [*_specs(spec)]
    same = not any(_depends_on_request(node) for node in nodes)
    static = same and is_static(spec)
    reply = spec if isinstance(spec, ReplySpec) else None
    templated_text = (
        same
        and reply is not None
        and isinstance(reply.text, Expression)
        and is_static(with_fields(reply, {"text": None}))
    )
    calls_tool = reply is not None and isinstance(reply.tool_calls, FromSchema)
    generates_tool_call = same and calls_tool and spec.model_fields_set == {"tool_calls"}
    usage = reply.usage if reply is not None else None
    fixed = usage is not None and usage.input_tokens is not None
    states_usage = fixed and usage is not None and usage.output_tokens is not None
    states_all = (
        states_usage and settings.stream is not None and reply is not None and reply.model is not None
    )
    request_independent = (
        static
        and entry.validation == "off"
        and states_all
        and not any(isinstance(node, ServerToolSpec) for node in nodes)
    )
    sends_messages_before_result = reply is not None and reply.sends_messages_before_result
    tool_names = map(_named_tool, () if request_independent or reply is None else nodes)
    return CompiledResponse(
        spec,
        settings,
        static,
        entry.files,
        fixed,
        request_independent,
        sends_messages_before_result,
        templated_text,
        generates_tool_call,
        frozenset(name for name in tool_names if name is not None),
    )


def _named_tool(node: Spec) -> str | None:
    """Return the tool that a call has by its name. Generated arguments have a note of their own."""
    if not isinstance(node, ToolCallSpec) or isinstance(node.arguments, FromSchema):
        return None
    return node.name if isinstance(node.name, str) else None


def _depends_on_request(node: Spec) -> bool:
    """Return whether a constant becomes another content in each response. Sentences are drawn. The prompt is the
    subject of generated media. A JSON text may be sent bare. A client may have approved an MCP call."""
    if isinstance(node, MediaSpec):
        return node.file is None and node.data is None
    if isinstance(node, ChoiceSpec | PartSpec):
        return isinstance(node.json_, str)
    return isinstance(node, SentencesText) or (isinstance(node, McpSpec) and node.approval)


def _specs(tree: object) -> Iterable[Spec]:
    """Yield every mapping of the language in a tree, in no order."""
    left = [tree]
    while left:
        node = left.pop()
        kind = type(node)
        if kind in LEAVES:
            continue  # most nodes: isinstance of a Spec costs more than everything else here
        if kind is list or kind is tuple:
            left += node  # type: ignore[arg-type]
        elif kind is dict:
            left += node.values()  # type: ignore[attr-defined]
        elif isinstance(node, Spec):
            yield node
            left += [getattr(node, name) for name in node.model_fields_set]


def _uses_any(match: Match, names: AbstractSet[str]) -> bool:
    """Return whether a match has one of these keys, itself or in its `all` and `any`."""
    return bool(names & match.model_fields_set) or any(
        _uses_any(part, names) for part in (*(match.all or ()), *(match.any or ()))
    )


def _uses_anywhere(match: Match, names: set[str]) -> bool:
    """Return whether any part of a match has one of these keys."""
    return not all(names.isdisjoint(spec.model_fields_set) for spec in _specs(match))


def _literals(condition: object) -> Iterable[str]:
    """Yield the texts that a condition on a name spells out."""
    if isinstance(condition, str):
        if not set("*?[") & set(condition):
            yield condition
    elif isinstance(condition, list):
        for item in condition:
            yield from _literals(item)
    elif isinstance(condition, Spec):
        yield from _literals(getattr(condition, "equals", None))
