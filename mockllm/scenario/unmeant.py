"""What one rule or modifier says that is hardly meant, by its words alone: each a place below it, and a warning.

Apart from the lint of a whole catalog, which holds rules against each other and finds what is certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from mockllm.core.runaway import runaway
from mockllm.core.template import TemplateSyntax, is_template
from mockllm.core.template_scope import NAMES
from mockllm.core.template_text import compile_template
from mockllm.scenario.language.answers import ReplyWord
from mockllm.scenario.language.conditions import FOR_EVER, JsonOperators, TextOperators
from mockllm.scenario.language.match import Match
from mockllm.scenario.language.model import Word
from mockllm.scenario.language.rule import ModifierWord, RuleWord
from mockllm.scenario.mistakes import Path
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
_EMBEDS: Final = re.compile(r"(?i)embed|:predict|[*?\[]")


def unmeant(word: RuleWord | ModifierWord, vocabulary: Vocabulary) -> Unmeant:
    """All of it, in no order."""
    for path, name, text, ignore_case in _texts(word.match, ("match",)):
        if name == "regex":
            if runaway(text, ignore_case):
                yield path, FOR_EVER
        elif not word.literal and _is_template(text):
            yield path, f"match is no template: this is met by the text {text} as it stands here"
    yield from _no_request(word.match, ("match",))
    if isinstance(word, RuleWord):
        yield from _no_reply(word, vocabulary)
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
    elif isinstance(value, dict):
        for key, held in value.items():
            yield from _texts(held, (*path, key), name, ignore_case)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(each, (*path, index), name, ignore_case)
    elif isinstance(value, Word):
        if isinstance(value, TextOperators | JsonOperators):
            ignore_case = value.ignore_case
        fields = type(value).model_fields
        for key in value.model_fields_set:
            alias = fields[key].alias or key
            yield from _texts(getattr(value, key), (*path, alias), alias, ignore_case)


def _no_request(match: Match, place: Path) -> Unmeant:
    """Paths and methods that no request has."""
    for path in _spelt(match.path):
        as_sent = quote(path if path[:1] in ("/", "*", "?", "[") else f"/{path}", safe=_IN_PATHS)
        if path != as_sent:
            begins = "" if path[:1] == as_sent[:1] else 'it begins with "/"; '
            yield (*place, "path"), f"no request has the path {path}: {begins}write {as_sent}"
    for method in _spelt(match.method):
        if method != method.upper():
            yield (*place, "method"), f"no request has the method {method}: write {method.upper()}"
    for name in ("all", "any"):
        for index, each in enumerate(getattr(match, name) or ()):
            yield from _no_request(each, (*place, name, index))


def _is_template(text: str) -> bool:
    """Whether it would be one elsewhere; what a client's own templates look like is seldom one of ours."""
    try:
        return compile_template(text).names <= NAMES.keys()
    except TemplateSyntax:
        return False


def _says(setting: Any) -> bool:
    return bool(setting.model_fields_set) if isinstance(setting, Word) else setting not in (None, [], {})


# --- replies where there is none -----------------------------------------------------------------


def _no_reply(word: RuleWord, vocabulary: Vocabulary) -> Unmeant:
    called = _called(word, vocabulary)
    replies: list[tuple[Path, ReplyWord]] = [] if word.reply is None else [(("reply",), word.reply)]
    for below in ("sequence", "choose"):
        for index, said in enumerate(getattr(word, below) or ()):
            if said.reply is not None:
                replies.append(((below, index), said.reply))
    for path, reply in replies:
        if called is not None and (reply.embedding is None or not _embeds(word)):
            yield path, NO_REPLY.format(called) + WITH_EMBEDDING * ("embeddings" in called)
        elif reply.model_fields_set == {"embedding"} and not _mentioned(word.match):
            yield path, UNASKED


def _embeds(word: RuleWord) -> bool:
    """Whether the api or path that a rule names may be that of an embeddings call."""
    apis, paths = _spelt(word.match.api), _spelt(word.match.path)
    return any(fnmatchcase("embeddings", api) for api in apis) if apis else any(map(_EMBEDS.search, paths))


def _mentioned(match: Match) -> bool:
    """Whether a match names an api or a path, itself or in what it is made of."""
    if match.api is not None or match.path is not None:
        return True
    return any(map(_mentioned, (*(match.all or ()), *(match.any or ()))))


def _called(word: RuleWord, vocabulary: Vocabulary) -> str | None:
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
    if isinstance(condition, Word) and condition.model_fields_set in ({"equals"}, {"glob"}):
        return _spelt(next(getattr(condition, name) for name in condition.model_fields_set))
    return ()
