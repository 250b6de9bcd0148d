"""Warnings about one rule or modifier, by its own content: each is a path below it, and a message.

Warnings about templates concern paths that no request has. Values reject unknown names themselves; these paths may be
followed by a `default`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from mockllm.core.json.codec import MISSING, Missing
from mockllm.core.regex.compile import backtracks_little, compile_regex
from mockllm.core.templates.compile_template import compile_template
from mockllm.core.templates.scope import NAMES
from mockllm.core.templates.template import PathRead, TemplateSyntax, is_template
from mockllm.core.values.dynamic import Expression, is_static
from mockllm.scenario.diagnostics import Path, suggestion
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language.base import Spec, children
from mockllm.scenario.language.conditions import (
    MAY_BACKTRACK,
    JsonOperators,
    NumberOperators,
    TextOperators,
    TruthOperators,
)
from mockllm.scenario.language.content import KEYWORD
from mockllm.scenario.language.match import Match
from mockllm.scenario.language.reply import ChoiceSpec, PartSpec, ReplySpec, ResponseSpec
from mockllm.scenario.language.rule import ModifierSpec, RuleSpec
from mockllm.scenario.language.settings import Settings
from mockllm.scenario.match_lint import Warnings, begins_with_prefix, texts_and_globs, unmatchable_values
from mockllm.scenario.scalar_forms import is_duration

SETTINGS: Final = (*Settings.model_fields, "error", "limit", "load", "sets_state")
"""The keys by which a modifier changes a response, or what follows it."""
NO_REPLY: Final = (
    "a reply is for generating calls only, and {} is not one: every such request gets the error "
    "bad_request; use http or error"
)
WITH_BATCH: Final = ", or add a batch to the reply"
WITH_SPEECH: Final = ", or add user_speech to the reply"
WITH_EMBEDDING: Final = ", or add an embedding to the reply"
EMBEDDING_ONLY: Final = (
    "an embedding alone has no text: a rule that names neither api nor path matches generating calls only; "
    "write match: {api: embeddings}"
)
_SLASHED: Final = re.compile(r"/(.+)/([dgimsuy]{1,5})")
"""A regex as JavaScript writes it, with flags."""
_REGEX_AS_TEXT: Final = re.compile(r"/([^/\s][^/]*)/([dgimsuy]{0,5})")
_GLOB_AS_TEXT: Final = re.compile(r"\*(?:[^*\s].*)?|.*[^*]\*", re.DOTALL)
"""How a glob looks: `*hello*`, `hello*`. A text in Markdown may begin with `* ` or `**`."""
_STARS_IN_HEADERS: Final = re.compile(r"\*|[\w.+*-]+/\*")
"""Values that headers have themselves: `*`, `*/*`, `text/*`."""
_PLAIN_TEXTS: Final = frozenset(
    (
        "user",
        "typed",
        "system",
        "text",
        "raw_body",
        "headers",
        "query",
        "form",
        "host",
        "session",
        "api_key",
        "id",
    )
)
"""Conditions where a bare text is compared as it is."""
_PATHS: Final = frozenset({"path", "headers", "query", "body"})
"""Conditions for values that may have slashes around them."""
_OPERATORS: Final = (TextOperators, NumberOperators, JsonOperators, TruthOperators)
Operators: TypeAlias = TextOperators | NumberOperators | JsonOperators | TruthOperators
NO_OPERATOR: Final = (
    "this condition has no operator, so it is always met; write an operator, such as contains"
)
"""Every value meets it, even a missing one."""
EMPTY_TEXT: Final = 'every text meets {}: ""; if any text is meant, write exists: true'
_BATCHES: Final = re.compile(r"(?i)batch|[*?\[]")
_REALTIME: Final = re.compile(r"(?i)realtime|bidigeneratecontent|[*?\[]")
_EMBEDS: Final = re.compile(r"(?i)embed|:predict|[*?\[]")


def rule_warnings(spec: RuleSpec | ModifierSpec, known_names: KnownNames) -> Warnings:
    """Yield all warnings, in no order."""
    regexes = []
    for path, name, text, ignore_case in _conditions(spec.match, ("match",)):
        if not isinstance(text, str):
            yield from _conditions_always_met(text, path)
        elif name == "regex":
            regexes.append(text)
            if not compile_regex(text, ignore_case).is_linear and not backtracks_little(text):
                yield path, MAY_BACKTRACK
            if (slashed := _SLASHED.fullmatch(text)) and "path" not in path:
                case = ", ignore_case: true" if "i" in slashed[2] else ""
                yield path, f"slashes are part of a regex here; write {{regex: '{slashed[1]}'{case}}}"
        elif (slashed := _REGEX_AS_TEXT.fullmatch(text)) and not _PATHS & set(path):
            case = ", ignore_case: true" if "i" in slashed[2] else ""
            yield (
                path,
                f"slashes are part of the text here; for a regex write {{regex: '{slashed[1]}'{case}}}",
            )
        elif name in _PLAIN_TEXTS and _looks_like_glob(text, name):
            yield path, f"\"*\" is part of the text here; for a pattern write {{glob: '{text}'}}"
        elif not spec.literal and is_template(text) and _is_template(text):
            yield path, f"match has no templates: this condition is met by the literal text {text}"
    yield from unmatchable_values(spec.match, ("match",))
    readable = {**_READABLE, "match": dict.fromkeys(_groups(regexes), _TEXT)}
    for path, expression in () if is_static(spec) else _expressions(spec, ()):
        reasons = (_absent(reading, readable.get(reading.name)) for reading in expression.template.reads)
        yield from ((path, reason) for reason in reasons if reason is not None)
    yield from _holds_by_time(spec)
    if isinstance(spec, RuleSpec):
        yield from _impossible_replies(spec, known_names)
        yield from _unsent_content(spec)
    elif not any(_is_set(getattr(spec, name)) for name in SETTINGS):
        yield (), "changes nothing: the modifier has no setting, no faults and no error"


def _conditions_always_met(operators: Operators, path: Path) -> Warnings:
    """Warn about operators that exclude no value: none at all, or an empty text within a text."""
    if not operators.model_fields_set - {"ignore_case"}:
        yield path, NO_OPERATOR
    for name in ("contains", "starts_with", "ends_with"):
        wanted = getattr(operators, name, None)
        is_list_item = name == "contains" and isinstance(operators, JsonOperators)  # of the list in the body
        if not is_list_item and "" in (wanted if isinstance(wanted, list) else [wanted]):
            yield (*path, name), EMPTY_TEXT.format(name)


def _looks_like_glob(text: str, name: str) -> bool:
    own = name == "headers" and _STARS_IN_HEADERS.fullmatch(text) is not None
    return not own and _GLOB_AS_TEXT.fullmatch(text) is not None


def _conditions(
    value: object, path: Path, name: str = "", ignore_case: bool = False
) -> Iterator[tuple[Path, str, str | Operators, bool]]:
    """Yield the operators of a match, and each of its texts that may be unintended. Each has its path, its key, and
    whether case is ignored there. Most texts are plain and are not examined further."""
    if isinstance(value, str):
        if name == "regex" or is_template(value) or value[:1] in ("/", "*") or value[-1:] == "*":
            yield path, name, value, ignore_case
        return
    if isinstance(value, _OPERATORS):
        yield path, name, value, ignore_case
        if isinstance(value, TextOperators | JsonOperators):
            ignore_case = value.ignore_case
    for key, child in children(value):
        below = key if isinstance(value, Spec) else name
        yield from _conditions(child, (*path, key), str(below), ignore_case)


def _is_template(text: str) -> bool:
    """Return whether a text would be a template elsewhere. A client's own templates seldom look like one of these."""
    try:
        return compile_template(text).names <= NAMES.keys()
    except TemplateSyntax:
        return False


def _holds_by_time(spec: RuleSpec | ModifierSpec) -> Warnings:
    """Warn about names of `hold` that look like a wait: the response waits for a release of that name."""
    places = responses(spec) if isinstance(spec, RuleSpec) else [((), spec)]
    for path, settings in places:
        hold = settings.hold
        if hold is not None and is_duration(hold.name):
            yield (
                (*path, "hold"),
                f"{hold.name} is a name to release here; for a wait write delay: {hold.name}",
            )


def _unsent_content(spec: RuleSpec) -> Warnings:
    """Warn about content of a response that is not sent, or not as intended."""
    for path, response in responses(spec):
        http = response.http
        if http is not None and http.status in (204, 304) and (http.body or http.body_file):
            where = (*path, "http", "body" if http.body else "body_file")
            yield where, f"a response with the status {http.status} has no body: it is not sent"
        reply = response.reply
        for below, part in () if reply is None else _parts_of_reply(reply, (*path, "reply")):
            for index, chunk in enumerate(part.chunks or ()):
                if isinstance(chunk, str) and is_duration(chunk):
                    yield (
                        (*below, "chunks", index),
                        f"{chunk} is sent as text; write {{wait: {chunk}}} to wait",
                    )
            if isinstance(part.json_, str) and part.json_.lstrip()[:1] in ("{", "["):
                yield (*below, "json"), "this is a text, and is sent in quotes; write the JSON without quotes"
            yield from _misspelt_keywords(part, below)


def _misspelt_keywords(part: ChoiceSpec | PartSpec, path: Path) -> Warnings:
    """Warn about a text that is almost the word `from_schema`, where that word may be."""
    calls = part.tool_calls if isinstance(part.tool_calls, list) else ()
    places: list[tuple[Path, object]] = [((*path, "json"), part.json_)]
    places += [
        ((*path, "tool_calls", index, "arguments"), call.arguments) for index, call in enumerate(calls)
    ]
    for place, text in places:
        if isinstance(text, str) and len(text) < 2 * len(KEYWORD) and text != KEYWORD:
            from difflib import SequenceMatcher  # imported only for a short text

            if SequenceMatcher(None, text.lower(), KEYWORD).ratio() > 0.85:
                yield place, f'this is the text "{text}"; did you mean {KEYWORD}?'


def replies(spec: RuleSpec) -> Iterator[tuple[Path, ReplySpec]]:
    """Yield the replies of a rule."""
    for path, response in responses(spec):
        if response.reply is not None:
            yield (*path, "reply"), response.reply


def calls_of_reply(reply: ReplySpec, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the places and names of the tool calls of a reply at a path that have no template for a name."""
    for below, part in _parts_of_reply(reply, path):
        for index, call in enumerate(part.tool_calls if isinstance(part.tool_calls, list) else ()):
            if isinstance(call.name, str):
                yield (*below, "tool_calls", index, "name"), call.name


def may_call_any_tool(reply: ReplySpec) -> bool:
    """Return whether a template, or `from_schema`, chooses a tool that a reply calls."""
    called = [part.tool_calls for _, part in _parts_of_reply(reply, ())]
    return any(
        calls is not None
        and not (isinstance(calls, list) and all(isinstance(call.name, str) for call in calls))
        for calls in called
    )


def _parts_of_reply(reply: ChoiceSpec, path: Path) -> Iterator[tuple[Path, ChoiceSpec | PartSpec]]:
    """Yield a reply, its choices and its parts."""
    yield path, reply
    for index, part in enumerate(reply.parts or ()):
        yield (*path, "parts", index), part
    if isinstance(reply, ReplySpec):
        for index, choice in enumerate(reply.choices or ()):
            yield from _parts_of_reply(choice, (*path, "choices", index))


def responses(spec: RuleSpec) -> Iterator[tuple[Path, ResponseSpec]]:
    """Yield the responses of a rule."""
    yield (), spec
    for below in ("sequence", "choose"):
        for index, response in enumerate(getattr(spec, below) or ()):
            yield (below, index), response


def _is_set(setting: object) -> bool:
    return bool(setting.model_fields_set) if isinstance(setting, Spec) else setting not in (None, [], {})


def _impossible_replies(spec: RuleSpec, known_names: KnownNames) -> Warnings:
    target = _non_generating_target(spec, known_names)
    for path, response in responses(spec):
        reply = response.reply
        if reply is None:
            continue
        path = path or ("reply",)
        if target is not None and not _may_reply(spec, reply):
            hint = WITH_EMBEDDING * ("embeddings" in target) + WITH_BATCH * ("batches" in target)
            hint += WITH_SPEECH * ("handshake" in target)
            hint += _meant_path(target, known_names)
            yield path, NO_REPLY.format(target) + hint
        elif reply.model_fields_set == {"embedding"} and not _names_call(spec.match):
            yield path, EMBEDDING_ONLY


def _meant_path(path: str, known_names: KnownNames) -> str:
    """Return a suggestion for a path that is almost that of a generating call."""
    from difflib import get_close_matches  # imported only when a message is built

    near = get_close_matches(path, known_names.reply_paths, n=1, cutoff=0.94)
    return f"; did you mean {near[0]}?" if near else ""


def _may_reply(spec: RuleSpec, reply: ReplySpec) -> bool:
    """Return whether a reply has an embedding, a batch or a user's speech, and its rule may be for such a call."""
    return (
        (reply.embedding is not None and _may_be(spec, "embeddings", _EMBEDS))
        or (reply.batch is not None and _may_be(spec, "batches", _BATCHES))
        or (reply.user_speech is not None and _may_be(spec, "handshake", _REALTIME))
    )


def _may_be(spec: RuleSpec, call: str, call_paths: re.Pattern[str]) -> bool:
    """Return whether the api or path that a rule names may be that of a call."""
    apis, paths = texts_and_globs(spec.match.api), texts_and_globs(spec.match.path)
    return any(fnmatchcase(call, api) for api in apis) if apis else any(map(call_paths.search, paths))


def _names_call(match: Match) -> bool:
    """Return whether a match names an api or a path, itself or in its parts."""
    if match.api is not None or match.path is not None:
        return True
    return any(map(_names_call, (*(match.all or ()), *(match.any or ()))))


def _non_generating_target(spec: RuleSpec, known_names: KnownNames) -> str | None:
    """Return the path or api that a rule names, if it certainly belongs to no generating call. A path with a
    provider's prefix has another warning."""
    paths, apis = texts_and_globs(spec.match.path), texts_and_globs(spec.match.api)
    if any(begins_with_prefix(path, spec.match, known_names) for path in paths):
        return None
    if known_names.reply_paths and paths and not any(map(known_names.may_generate_path, paths)):
        return paths[0]
    if known_names.reply_apis and apis and not any(map(known_names.may_generate_api, apis)):
        return f"the api {apis[0]}"
    return None


ValueShape: TypeAlias = "Mapping[str, ValueShape] | list[ValueShape] | None"
"""The members of a value by name, the one kind of a list's items, or None if they are not known."""

_ANY: Final = "*"
"""A member name for every name."""
_TEXT: Final[ValueShape] = {}
_TOOL_RESULT: Final[ValueShape] = {"name": _TEXT, "id": _TEXT, "text": _TEXT, "is_error": _TEXT, "json": None}
_READABLE: Final[Mapping[str, ValueShape]] = {
    "model": _TEXT,
    "user": _TEXT,
    "system": _TEXT,
    "session": _TEXT,
    "path": _TEXT,
    "turn": _TEXT,
    "messages": [{"role": _TEXT, "text": _TEXT}],
    "tools": [_TEXT],
    "tool_result": _TOOL_RESULT,
    "tool_results": {_ANY: _TOOL_RESULT},
    "query": {_ANY: _TEXT},
    "headers": {_ANY: _TEXT},
}


def _groups(regexes: Iterable[str]) -> Iterator[str]:
    """Yield the names and numbers of the regexes' groups."""
    for regex in regexes:
        compiled = re.compile(regex)
        yield from (str(number) for number in range(compiled.groups + 1))
        yield from compiled.groupindex


def _absent(reading: PathRead, shape: ValueShape) -> str | None:
    """Return why a path never exists; None if it may exist."""
    for depth, key in enumerate(reading.keys):
        below = _member(shape, key)
        if isinstance(below, Missing):
            holder, whole = (PathRead(reading.name, reading.keys[: depth + end]) for end in (0, 1))
            return f"{whole} never exists: {_available_members(holder, shape, key)}"
        shape = below
    return None


def _member(shape: ValueShape, key: str | int) -> ValueShape | Missing:
    if shape is None:
        return None
    if isinstance(shape, list):
        return shape[0] if isinstance(key, int) else MISSING
    return shape[_ANY] if _ANY in shape else shape.get(str(key), MISSING)


def _available_members(holder: PathRead, shape: ValueShape, key: str | int) -> str:
    """Return what exists in place of a key."""
    if isinstance(shape, list):
        return f"{holder} is a list; write {holder}[0]"
    names = [] if shape is None else sorted(shape)
    if holder.name == "match":
        near = suggestion(str(key), (name for name in names if name != "0"))
        return f"no regex of this match has such a group{near}" if names else "this match has no regex"
    return f"{holder} has {', '.join(names) or 'no members'}"


def _expressions(value: object, path: Path) -> Iterator[tuple[Path, Expression[object]]]:
    """Yield the templates of a spec, with their paths."""
    if isinstance(value, Expression):
        yield path, value
    else:
        for key, child in children(value):
            yield from _expressions(child, (*path, key))
