"""What one rule or modifier says that is hardly meant, by its words alone: each a place below it, and a warning.

Apart from the lint of a whole catalog, which holds rules against each other and finds what is certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlsplit

from mockllm.core.regex.compile import backtracks_little, compile_regex
from mockllm.core.templates.scope import NAMES
from mockllm.core.templates.template import TemplateSyntax, compile_template, is_template
from mockllm.scenario.diagnostics import Path
from mockllm.scenario.language.base import Spec, children
from mockllm.scenario.language.conditions import (
    MAY_BACKTRACK,
    JsonOperators,
    NumberOperators,
    TextOperators,
    TruthOperators,
)
from mockllm.scenario.language.match import Match
from mockllm.scenario.language.reply import ChoiceSpec, PartSpec, ReplySpec, ResponseSpec
from mockllm.scenario.language.rule import ModifierSpec, RuleSpec
from mockllm.scenario.template_lint import unreadable
from mockllm.scenario.vocabulary import Vocabulary

Unmeant: TypeAlias = Iterator[tuple[Path, str]]

SETTINGS: Final = ("delay", "pace", "headers", "stream", "faults", "error", "limit", "load", "sets_state")
NO_REPLY: Final = (
    "a reply answers generating calls only, and {} is none: every such request gets a 400; use http or error"
)

WITH_EMBEDDING: Final = ", or give the reply an embedding"
UNASKED: Final = (
    "an embedding alone says nothing: a rule that names neither api nor path sees generating calls only; "
    "write match: {api: embeddings}"
)
_IN_PATHS: Final = "/%*?[]!$&'()+,;=:@~{}|^\"`<>\\"
"""What is not percent-encoded in a path that is compared: what clients send so, some of them, and globs."""
_SLASHED: Final = re.compile(r"/(.+)/([dgimsuy]{1,5})")
"""A regex as JavaScript writes it, with flags."""
_BEYOND_PATHS: Final = re.compile(r"\?(?=[\w-]+=)|^https?://")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_OPERATORS: Final = (TextOperators, NumberOperators, JsonOperators, TruthOperators)
_EMBEDS: Final = re.compile(r"(?i)embed|:predict|[*?\[]")


def unmeant(word: RuleSpec | ModifierSpec, vocabulary: Vocabulary) -> Unmeant:
    """All of it, in no order."""
    regexes = []
    for path, name, text, ignore_case in _texts(word.match, ("match",)):
        if name == "regex":
            regexes.append(text)
            if not compile_regex(text, ignore_case).is_linear and not backtracks_little(text):
                yield path, MAY_BACKTRACK
            if (slashed := _SLASHED.fullmatch(text)) and "path" not in path:
                case = ", ignore_case: true" if "i" in slashed[2] else ""
                yield path, f"slashes are part of a regex here; write {{regex: '{slashed[1]}'{case}}}"
        elif not word.literal and _is_template(text):
            yield path, f"match is no template: this is met by the text {text} as it stands here"
    yield from _no_request(word.match, ("match",))
    yield from _nothing_asked(word.match, ("match",))
    yield from unreadable(word, regexes)
    if isinstance(word, RuleSpec):
        yield from _no_reply(word, vocabulary)
        yield from _not_sent(word)
    elif not any(_says(getattr(word, name)) for name in SETTINGS):
        yield (), "changes nothing: it has no setting, no faults and no error"


def _texts(
    value: Any, path: Path, name: str = "", ignore_case: bool = False
) -> Iterator[tuple[Path, str, str, bool]]:
    """Each text of a match that may be hardly meant: its place, the word it stands under, and whether case is
    ignored there. Most texts are plain, and are not looked at twice."""
    if isinstance(value, str):
        if name == "regex" or is_template(value):
            yield path, name, value, ignore_case
        return
    if isinstance(value, TextOperators | JsonOperators):
        ignore_case = value.ignore_case
    for key, held in children(value):
        below = key if isinstance(value, Spec) else name
        yield from _texts(held, (*path, key), str(below), ignore_case)


def _no_request(match: Match, place: Path) -> Unmeant:
    """Paths, methods and hashes that no request has."""
    for path in _spelt(match.path):
        if beyond := _BEYOND_PATHS.search(path):
            only = urlsplit(path).path if "://" in path else path[: beyond.start()]
            rest = "" if "://" in path else "; its query is asked for by query: {NAME: …}"
            yield (*place, "path"), f"no request has the path {path}: write {only}{rest}"
            continue
        as_sent = quote(path if path[:1] in ("/", "*", "?", "[") else f"/{path}", safe=_IN_PATHS)
        if path != as_sent:
            begins = "" if path[:1] == as_sent[:1] else 'it begins with "/"; '
            yield (*place, "path"), f"no request has the path {path}: {begins}write {as_sent}"
    for method in _spelt(match.method):
        if method != method.upper():
            yield (*place, "method"), f"no request has the method {method}: write {method.upper()}"
    for hash in _spelt(match.hash):
        if not _HASH.fullmatch(hash):
            yield (*place, "hash"), f"no request has the hash {hash}: it is 64 digits, 0 to 9 and a to f"
    for name in ("all", "any"):
        for index, each in enumerate(getattr(match, name) or ()):
            yield from _no_request(each, (*place, name, index))


def _nothing_asked(value: Any, path: Path) -> Unmeant:
    """Conditions without an operator: they hold for whatever is there, and for nothing, too."""
    if isinstance(value, _OPERATORS) and not value.model_fields_set - {"ignore_case"}:
        yield path, "nothing is asked here, so it always holds; write an operator, such as contains"
    for key, held in children(value):
        yield from _nothing_asked(held, (*path, key))


def _is_template(text: str) -> bool:
    """Whether it would be one elsewhere; what a client's own templates look like is seldom one of ours."""
    try:
        return compile_template(text).names <= NAMES.keys()
    except TemplateSyntax:
        return False


def _not_sent(word: RuleSpec) -> Unmeant:
    """What an answer holds that is not sent, or not as it was meant."""
    for path, said in _sayings(word):
        http = said.http
        if http is not None and http.status in (204, 304) and (http.body or http.body_file):
            where = "body" if http.body else "body_file"
            yield (
                (*path, "http", where),
                f"an answer with the status {http.status} has no body: it is not sent",
            )
        reply = said.reply
        for below, part in () if reply is None else _saying_json(reply, (*path, "reply")):
            if isinstance(part.json_, str) and part.json_.lstrip()[:1] in ("{", "["):
                yield (*below, "json"), "this is a text, and is sent in quotes; write the JSON without quotes"


def _saying_json(reply: ChoiceSpec, path: Path) -> Iterator[tuple[Path, ChoiceSpec | PartSpec]]:
    """A reply, its choices and parts."""
    yield path, reply
    for index, part in enumerate(reply.parts or ()):
        yield (*path, "parts", index), part
    if isinstance(reply, ReplySpec):
        for index, choice in enumerate(reply.choices or ()):
            yield from _saying_json(choice, (*path, "choices", index))


def _sayings(word: RuleSpec) -> Iterator[tuple[Path, ResponseSpec]]:
    """The answers of a rule."""
    yield (), word
    for below in ("sequence", "choose"):
        for index, said in enumerate(getattr(word, below) or ()):
            yield (below, index), said


def _says(setting: Any) -> bool:
    return bool(setting.model_fields_set) if isinstance(setting, Spec) else setting not in (None, [], {})


# --- replies where there is none -----------------------------------------------------------------


def _no_reply(word: RuleSpec, vocabulary: Vocabulary) -> Unmeant:
    called = _called(word, vocabulary)
    for path, said in _sayings(word):
        reply = said.reply
        if reply is None:
            continue
        path = path or ("reply",)
        if called is not None and (reply.embedding is None or not _embeds(word)):
            yield path, NO_REPLY.format(called) + WITH_EMBEDDING * ("embeddings" in called)
        elif reply.model_fields_set == {"embedding"} and not _mentioned(word.match):
            yield path, UNASKED


def _embeds(word: RuleSpec) -> bool:
    """Whether the api or path that a rule names may be that of an embeddings call."""
    apis, paths = _spelt(word.match.api), _spelt(word.match.path)
    return any(fnmatchcase("embeddings", api) for api in apis) if apis else any(map(_EMBEDS.search, paths))


def _mentioned(match: Match) -> bool:
    """Whether a match names an api or a path, itself or in what it is made of."""
    if match.api is not None or match.path is not None:
        return True
    return any(map(_mentioned, (*(match.all or ()), *(match.any or ()))))


def _called(word: RuleSpec, vocabulary: Vocabulary) -> str | None:
    """The path or api that a rule names, where that is certainly no generating call's."""
    paths, apis = _spelt(word.match.path), _spelt(word.match.api)
    if vocabulary.generating and paths and not any(map(vocabulary.may_generate, paths)):
        return paths[0]
    if vocabulary.speaking and apis and not any(map(vocabulary.may_speak, apis)):
        return f"the api {apis[0]}"
    return None


def _spelt(condition: Any) -> Sequence[str]:
    """The texts and globs that a condition spells out; none where it has more to say."""
    if isinstance(condition, str):
        return (condition,)
    if isinstance(condition, list):
        found = [_spelt(each) for each in condition]
        return [path for paths in found for path in paths] if all(found) else ()
    if isinstance(condition, Spec) and condition.model_fields_set in ({"equals"}, {"glob"}):
        return _spelt(next(getattr(condition, name) for name in condition.model_fields_set))
    return ()
