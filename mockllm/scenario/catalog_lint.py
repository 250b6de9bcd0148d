"""Warnings about a whole catalog: certain problems that no rule shows by itself.

Warnings have the form of errors, and with `--strict` they are errors.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.faults.base import Fault
from mockllm.core.matching.matchers import Field, Matcher, slow_regexes
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.compiler import entry_matcher, run_steps
from mockllm.scenario.control_paths import RESERVED_SEGMENTS, has_control_call
from mockllm.scenario.diagnostics import Diagnostic, limited_suggestions, path_text, value_at
from mockllm.scenario.fault_point_lint import applied_before, beyond_the_end
from mockllm.scenario.file_lint import file_warnings
from mockllm.scenario.file_loader import LoadedFile
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language.conditions import NameCondition, TextCondition
from mockllm.scenario.language.mcp_server import McpServerSpec
from mockllm.scenario.language.reply import ReplySpec
from mockllm.scenario.language.rule import ModifierSpec, RuleSpec
from mockllm.scenario.language.settings import Settings
from mockllm.scenario.loader import LoadedScenarios
from mockllm.scenario.match_lint import begins_with_prefix, texts_and_globs
from mockllm.scenario.matcher_logic import WiderMatchers, contradiction
from mockllm.scenario.name_lint import unknown_names_in_examples, unknown_names_of_mcp
from mockllm.scenario.raw_entries import raw_entries
from mockllm.scenario.replay_lint import replay_warnings
from mockllm.scenario.rule_ids import split_id
from mockllm.scenario.rule_lint import rule_warnings
from mockllm.scenario.state_lint import set_states, unset_states
from mockllm.scenario.tool_call_lint import ToolNames, misspelt_calls, misspelt_results
from mockllm.scenario.typed_entries import TypedEntry

MAX_SLOW_REGEXES: Final = 50
"""From this number of regexes without a literal on, a warning follows: every request tries each of them."""

CONDITION_KEYS: Final = ("match", "chance", "times", "skip", "every", "during", "requires_state", "choose")
"""The keys that decide when a rule responds."""


class LintSubject(Struct, frozen=True):
    """A rule or modifier with its file and its matcher."""

    entry: TypedEntry
    spec: RuleSpec | ModifierSpec
    """The spec of the entry; servers are no subjects."""
    file: LoadedFile
    matcher: Matcher

    def warn(self, message: str, *below: str | int, key: bool = False, refused: bool = False) -> Diagnostic:
        """Return a warning about the entry, or about a place below it."""
        source = self.file.source
        found = source.diagnostic(source.existing_path((*self.entry.path, *below)), message, key)
        return replace(found, refused=True) if refused else found

    @property
    def parameter_independent(self) -> bool:
        """Whether its guards and its match are independent of the parameters."""
        if self.file.raw.data is self.file.source.data:
            return True
        path = self.entry.path
        raw, substituted = (value_at(source.data, path) for source in (self.file.raw, self.file.source))
        return all(raw.get(key) == substituted.get(key) for key in CONDITION_KEYS)


@limited_suggestions()
def warnings(scenarios: LoadedScenarios) -> list[Diagnostic]:
    """Return all warnings, by place; none about an entry with an error, which does not yet have its intended form."""
    return run_steps(warning_steps(scenarios))


def warning_steps(
    scenarios: LoadedScenarios, catalog: Catalog | None = None
) -> Generator[None, None, list[Diagnostic]]:
    """Find the warnings in small steps. `catalog` is the catalog of the scenarios, if it exists already."""
    files = {file.path: file for file in scenarios.loaded.files}
    broken = {(diagnostic.file, diagnostic.path.partition("]")[0]) for diagnostic in scenarios.diagnostics}
    if catalog is None:
        matchers = [entry_matcher(entry) for entry in scenarios.entries]
    else:
        matchers = [item.matcher for item in catalog.items]
    subjects = [
        LintSubject(entry, entry.spec, files[entry.file], matcher)
        for entry, matcher in zip(scenarios.entries, matchers, strict=True)
        if not isinstance(entry.spec, McpServerSpec)
        and not (broken and (files[entry.file].source.name, path_text(entry.path).rstrip("]")) in broken)
    ]
    found: list[Diagnostic] = [*file_warnings(scenarios), *_slow_regexes(subjects)]
    yield from _unknown_names(scenarios, subjects, found)
    servers = {
        each.spec.name: each.spec for each in scenarios.entries if isinstance(each.spec, McpServerSpec)
    }
    as_requested = not any(_may_stream(subject.spec) for subject in subjects)
    for subject in subjects:
        found += _impossible_faults(subject, as_requested)
        found += (
            *_contradictory(subject),
            *_broad_pack_rules(subject),
            *_reserved_paths(subject, scenarios.known_names),
        )
        own = rule_warnings(subject.spec, scenarios.known_names)
        misspelt = unknown_names_of_mcp(subject.spec.match, servers, ("match",)) if servers else ()
        found += (subject.warn(text, *below) for below, text in (*own, *misspelt))
        if isinstance(subject.spec, RuleSpec):
            replays = replay_warnings(subject.spec, subject.entry.files, scenarios.known_names)
            # the server only warns of them: the bytes may be a broken response on purpose
            found += (subject.warn(text, *below, refused=True) for below, text in replays)
        yield
    yield from _hidden_rules(subjects, found)
    return sorted(set(found))


def _contradictory(subject: LintSubject) -> Iterator[Diagnostic]:
    """Warn about a rule that never responds by itself. Rules that depend on parameters are left out."""
    spec = subject.spec
    if not isinstance(spec, RuleSpec) or not subject.parameter_independent:
        return
    against = contradiction(subject.matcher)
    if against is not None:
        yield subject.warn(f"can never respond: no request has {against}", "match", key=True)
    if spec.chance == 0:
        yield subject.warn("can never respond: its chance is 0", "chance")
    if spec.times == 0:
        yield subject.warn("can never respond: it responds 0 times", "times")
    if spec.choose is not None and not any(branch.weight for branch in spec.choose):
        yield subject.warn("can never respond: all weights are 0", "choose")


def _hidden_rules(subjects: Iterable[LintSubject], found: list[Diagnostic]) -> Iterator[None]:
    """Find rules after a rule of the same layer that responds to every request that they match."""
    layers: dict[int, list[LintSubject]] = {}
    for subject in subjects:
        if subject.entry.kind == "rule" and subject.parameter_independent:
            layers.setdefault(subject.entry.rank[1], []).append(subject)
    for layer in layers.values():
        certain = [(number, each) for number, each in enumerate(layer) if _always_responds(each.spec)]
        wider = WiderMatchers([subject.matcher for _, subject in certain])
        yield from wider.fill()
        preceding = 0
        for number, subject in enumerate(layer):
            while preceding < len(certain) and certain[preceding][0] < number:
                preceding += 1
            by = wider.first(subject.matcher, preceding)
            if by is not None:
                entry = certain[by][1].entry
                label = f'"{split_id(entry.id)[1]}" ({entry.file_and_line})'
                found.append(
                    subject.warn(f"can never respond: {label} responds to every request that it matches")
                )
            yield


def _always_responds(spec: RuleSpec | ModifierSpec) -> bool:
    """Return whether a rule responds whenever its match matches."""
    if not isinstance(spec, RuleSpec) or (spec.sequence is not None and spec.then == "fall_through"):
        return False
    if spec.during is not None or spec.requires_state:
        return False
    return spec.chance in (None, 1) and spec.times is None and not spec.skip and spec.every in (None, 1)


def _broad_pack_rules(subject: LintSubject) -> Iterator[Diagnostic]:
    """Warn about a pack's rule without a match, which hides every pack after it."""
    ordinary = subject.entry.kind == "rule" and not subject.entry.rank[0]
    if subject.file.layer == "pack" and ordinary and not subject.spec.match.model_fields_set:
        yield subject.warn(
            "a pack's rule without a match responds to every request; add `fallback: true`, or add a match"
        )


def _reserved_paths(subject: LintSubject, known_names: KnownNames) -> Iterator[Diagnostic]:
    """Warn about paths that the server reserves, and about prefixes that it removes. Below /api it reserves only the
    paths of its control API, and below /ws none."""
    methods = texts_and_globs(subject.spec.match.method)
    for path in _literal_paths(subject.spec.match.path):
        if path == "/" and methods and set(methods) <= {"GET", "HEAD"}:
            yield subject.warn("GET / is a page of the server: no rule gets its requests", "match", "path")
            return
        first = path.split("/")[1:2]
        if first and first[0] in RESERVED_SEGMENTS and first[0] != "api" and not path.startswith("/ws/"):
            where = "" if first[0] == "health" else " without --admin-port"
            message = f"/{first[0]} is reserved for the server: no rule gets its requests{where}"
            yield subject.warn(message, "match", "path")
            return
        if first == ["api"] and has_control_call(path):
            message = (
                f"the control API has {path}: no rule gets its requests without --admin-port; "
                f"those to /PROVIDER{path} reach the rule, and so do those of a session, /s/NAME{path}"
            )
            yield subject.warn(message, "match", "path")
            return
        if first == ["s"] and path != "/s":
            yield subject.warn("/s/ID names a session: rules match the path after it", "match", "path")
            return
        # a hash comes from a recording, whose path is the one that rules match
        if subject.spec.match.hash is None and begins_with_prefix(path, subject.spec.match, known_names):
            name, rest = first[0], path.removeprefix(f"/{first[0]}") or "/"
            form = f"{{provider: {name}, path: {rest}}}"
            message = f"/{name} is a provider's prefix: rules match the path after it, {form}"
            yield subject.warn(message, "match", "path")
            return


def _literal_paths(condition: TextCondition | NameCondition | list[str] | None) -> Iterator[str]:
    """Yield the paths that a condition spells out, at least in their first part."""
    if isinstance(condition, str):
        yield condition
    elif isinstance(condition, list):
        for item in condition:
            yield from _literal_paths(item)
    elif condition is not None:
        for key in ("equals", "glob"):
            yield from _literal_paths(getattr(condition, key))
        yield from (path for path in _literal_paths(condition.starts_with) if path.count("/") > 1)


def _may_stream(spec: Settings) -> bool:
    """Return whether it may stream a response that the request did not ask to stream, as a recording may."""
    responses = (spec, *(getattr(spec, "sequence", None) or ()), *(getattr(spec, "choose", None) or ()))
    return any(each.stream not in (None, False) or getattr(each, "replay", None) for each in responses)


def _impossible_faults(subject: LintSubject, as_requested: bool) -> Iterator[Diagnostic]:
    """Warn about faults that need another kind of response than any response that they apply to.
    `as_requested`: nothing is streamed unless the request says so."""
    spec = subject.spec
    requested = False if as_requested and spec.match is not None and spec.match.stream is False else None
    if not isinstance(spec, RuleSpec):
        yield from _faults_without_response(subject, spec, [(spec, requested)])
        return
    responses = [
        (response, _effective_stream(response, spec, requested))
        for response in (*(spec.sequence or ()), *(spec.choose or ()))
    ]
    one = [(spec, _effective_stream(spec, spec, requested))]
    yield from _faults_without_response(subject, spec, responses or one)
    below = "choose" if spec.sequence is None else "sequence"
    for number, response in enumerate(responses):
        yield from _faults_without_response(subject, response[0], [response], below, number)


def _effective_stream(response: Settings, rule: RuleSpec, requested: bool | None) -> bool | None:
    stream: bool | None = rule.stream if response.stream is None else response.stream
    return requested if stream is None else stream


def _faults_without_response(
    subject: LintSubject,
    settings: Settings,
    responses: Sequence[tuple[Settings, bool | None]],
    *below: str | int,
) -> Iterator[Diagnostic]:
    """Warn about faults of these settings that no response can have; each response comes with its `stream`."""
    faults = settings.faults or ()
    for number, spec in enumerate(faults):
        for name in spec.model_fields_set:
            fault = getattr(spec, name)
            reasons = [
                _mismatch(response, fault, stream)
                or beyond_the_end(
                    response,
                    fault,
                    (*applied_before(faults, number), *(response.faults or ()) * (response is not settings)),
                )
                for response, stream in responses
            ]
            if None not in reasons:
                yield subject.warn(f"{name} can never be applied: {reasons[0]}", *below, "faults", number)


def _mismatch(response: object, fault: Fault, stream: bool | None) -> str | None:
    """Return why a response is not of the kind that a fault needs; None if it may be."""
    if getattr(response, "proxy", None) is not None:
        return "the response of another server is forwarded unchanged"
    needs = fault.needs
    missing = None if needs == "any" else _missing_kind(response, fault, stream)
    return missing and f"it needs a {needs}, and {missing}"


def _missing_kind(response: object, fault: Fault, stream: bool | None) -> str | None:
    for key, label in (("error", "an error"), ("http", "an http response")):
        if getattr(response, key, None) is not None:
            return f"{label} is never streamed" if fault.needs == "stream" else f"{label} is not one"
    reply = getattr(response, "reply", None)
    if isinstance(reply, ReplySpec) and reply.model_fields_set == {"embedding"}:
        return f"an embedding {'is never streamed' if fault.needs == 'stream' else 'has no text'}"
    replay = getattr(response, "replay", None)
    if replay is not None and replay.as_ == "bytes":
        return "a recording is sent as bytes" if fault.needs_reply else None
    if fault.needs == "call":
        return "this reply makes no call" if isinstance(reply, ReplySpec) and not _calls_tool(reply) else None
    return "with `stream: false` nothing is streamed" if fault.needs == "stream" and stream is False else None


def _calls_tool(reply: ReplySpec) -> bool:
    """Return whether a choice of the reply calls a tool."""
    return any(
        choice.tool_calls is not None or any(part.tool_calls is not None for part in choice.parts or ())
        for choice in reply.choices or (reply,)
    )


def _unknown_names(
    scenarios: LoadedScenarios, subjects: Sequence[LintSubject], found: list[Diagnostic]
) -> Iterator[None]:
    """Warn, in small steps, about names of entries, tools and states that nothing has. With an error in a file,
    entries that set a state may be missing."""
    found += unknown_names_in_examples(scenarios)
    yield from _misspelt_tools(subjects, found)
    if scenarios.diagnostics:
        return
    enabled_states = (subject.spec.sets_state for subject in subjects)
    states = set_states((*enabled_states, *_disabled_states(scenarios)))
    for subject in subjects:
        found += (subject.warn(text, *below) for below, text in unset_states(subject.spec, states))
        yield


def _disabled_states(scenarios: LoadedScenarios) -> Iterator[object]:
    """Yield `sets_state` of the entries that are disabled, or whose file is."""
    for file in scenarios.loaded.disabled:
        yield from (entry.get("sets_state") for entry in raw_entries(file))
    for file in scenarios.loaded.files:
        yield from (entry.get("sets_state") for entry in raw_entries(file) if not entry.enabled)


def _misspelt_tools(subjects: Sequence[LintSubject], found: list[Diagnostic]) -> Iterator[None]:
    """Warn, in small steps, about calls of a tool that is almost the one by which the rule matches. Warn about
    results of a tool that is almost one that a rule calls."""
    by_file: dict[str, list[RuleSpec | ModifierSpec]] = {}
    for subject in subjects:
        by_file.setdefault(subject.entry.file, []).append(subject.spec)
    names = cache(lambda file: ToolNames.of(by_file[file]))
    everywhere = cache(lambda: ToolNames.of([subject.spec for subject in subjects]))
    for subject in subjects:
        misspelt = [*misspelt_results(subject.spec, everywhere)]
        if isinstance(subject.spec, RuleSpec):
            misspelt += misspelt_calls(subject.spec, partial(names, subject.entry.file))
        found += (subject.warn(text, *below) for below, text in misspelt)
        yield


def _slow_regexes(subjects: Iterable[LintSubject]) -> Iterator[Diagnostic]:
    found: list[tuple[LintSubject, Field]] = []
    for subject in subjects:
        found += [(subject, field) for field, _ in slow_regexes(subject.matcher)]
    if len(found) >= MAX_SLOW_REGEXES:
        first, field = found[0]
        message = (
            f"{len(found)} regexes, this one on {field.name} the first, have no literal text in what "
            "they match, so every request tries all of them; a literal of two letters in each makes them fast"
        )
        yield first.warn(message, "match")
