"""Interactions as a scenario file that a person can read and edit: a rule for each request, its hash, its replay.

YAML is written here by hand, because its form is the point: texts stand as blocks, events on lines of their own.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct, field

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.redaction import redacted
from mockllm.core.rendering.gzip import ENCODING, unpacked
from mockllm.core.request.request import VOLATILE, Request
from mockllm.core.request.request_hash import request_hash
from mockllm.dialects.providers import REGISTERED
from mockllm.engine import Engine
from mockllm.recordings.interaction import Interaction, RecordedRequest, RecordedResponse
from mockllm.recordings.redaction import cleaned, private
from mockllm.scenario.compiler import compile_catalog, finished
from mockllm.state.sessions import Sessions

HINT_HEADERS: Final = frozenset(name for provider in REGISTERED for name in provider.example_headers)
"""Headers without a secret by which a path that providers share is told apart."""
LARGEST_EXAMPLE: Final = 20_000
"""Bytes of a request that stands beside its answer as an example."""
_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9_/.+-]*\Z")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_ODD: Final = re.compile(_UNPRINTABLE.pattern + r"|(?m:^[ \t]+$)")
"""What a block would not hold as it is: also lines of blanks alone."""
_GLOB: Final = re.compile(r"[*?\[]")
WIDTH: Final = 100


class RequestParser:
    """Reads requests as the server would, to name them."""

    def __init__(self, volatile: frozenset[str] = VOLATILE) -> None:
        self._engine = Engine(finished(compile_catalog([])), Sessions(), volatile=volatile)

    def read(self, asked: RecordedRequest) -> Request:
        headers = {name.lower(): value for name, value in asked.headers}
        return self._engine.read(
            asked.method, asked.path, asked.query_string, headers, asked.body, "127.0.0.1", 0.0
        )


class RecordedRule(Struct):
    """One request, and every answer that was recorded to it, in turn."""

    name: str
    request: Request
    asked: RecordedRequest
    hash: str
    session: str | None
    private: bool
    """Whether its body may stand nowhere."""
    answers: list[Interaction] = field(default_factory=list)


def rules_of(interactions: Sequence[Interaction], reader: RequestParser) -> list[RecordedRule]:
    """The interactions by what was asked, in the order of the first."""
    found: dict[tuple[str | None, str], RecordedRule] = {}
    names: set[str] = set()
    for each in interactions:
        request = reader.read(each.request)
        hash = request_hash(request)
        rule = found.get((each.session, hash))
        if rule is None:
            name = f"{request.api or 'call'}-{hash[:8]}"
            if name in names:
                name = f"{name}-{len(names)}"
            names.add(name)
            rule = found[each.session, hash] = RecordedRule(
                name, request, each.request, hash, each.session, private(each)
            )
        rule.answers.append(cleaned(each))
    return list(found.values())


def scenario(interactions: Sequence[Interaction], title: str, reader: RequestParser) -> tuple[str, list[str]]:
    """The scenario file of these interactions, and what it does not hold of them."""
    rules = rules_of(interactions, reader)
    lines = [f"# {comment(title)}", "validation: off  # as it was answered then, so it is answered", "rules:"]
    for rule in rules:
        lines += _rule(rule)
    examples = [line for rule in rules for line in _example(rule)]
    if any(not line.lstrip().startswith("#") for line in examples):
        lines += ["examples:", *examples]
    else:
        lines += examples
    notes = [note for rule in rules for answer in rule.answers for note in answer.notes]
    return "\n".join(lines) + "\n", notes


def _rule(rule: RecordedRule) -> Iterator[str]:
    model = rule.request.model
    yield f"  - name: {_scalar(rule.name)}  # {comment(f'{rule.asked.method} {rule.request.path}')}" + (
        f", {comment(model)}" if model else ""
    )
    match = {"path": rule.request.path, "hash": rule.hash}
    if rule.session is not None:
        match["session"] = rule.session
    yield f"    match: {{{', '.join(_condition(*each) for each in match.items())}}}"
    if rule.session is not None:
        yield "    priority: 1  # before what was recorded without a session"
    if len(rule.answers) == 1:
        yield "    replay:"
        yield from _replay(rule.answers[0].response, "      ")
        return
    yield "    sequence:"
    for answer in rule.answers:
        yield "      - replay:"
        yield from _replay(answer.response, "          ")


def _condition(name: str, value: str) -> str:
    if name == "path" and _GLOB.search(value):
        return f"{name}: {{equals: {_scalar(value)}}}"
    return f"{name}: {_scalar(value)}"


def _replay(answered: RecordedResponse, indent: str) -> Iterator[str]:
    if answered.status != 200:
        yield f"{indent}status: {answered.status}"
    if answered.headers:
        yield f"{indent}headers:"
        yield from (f"{indent}  {key_text(name)}: {quoted(value)}" for name, value in answered.headers)
    if not answered.frames:
        yield f"{indent}frames: []"
        return
    yield f"{indent}frames:"
    yield from _said(answered, f"{indent}  ")
    for frame in answered.frames:
        yield f"{indent}  - at: {milliseconds(frame.at)}"
        yield from _data(frame.data, f"{indent}    ")


def _said(answered: RecordedResponse, indent: str) -> Iterator[str]:
    """What a packed answer says, as a comment: its bytes are for machines."""
    coding = next((value for name, value in answered.headers if name.lower() == ENCODING), None)
    parts = None if coding is None else unpacked(coding, [frame.data for frame in answered.frames])
    text = b"".join(parts or ()).decode("utf-8", "replace")
    if not text or len(text) > LARGEST_EXAMPLE:
        return
    yield f"{indent}# Packed ({coding}). It says:"
    for line in text.splitlines():
        yield f"{indent}#   {_UNPRINTABLE.sub(' ', line)}".rstrip()


def _data(data: bytes, indent: str) -> Iterator[str]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        yield f"{indent}base64: |-"
        packed = b64encode(data).decode()
        yield from (f"{indent}  {packed[at : at + WIDTH]}" for at in range(0, len(packed), WIDTH))
        return
    yield from text_lines("data", text, indent)


def text_lines(key: str, text: str, indent: str) -> Iterator[str]:
    """A text as a block where it has lines, else in quotes."""
    text = text.replace("${", "$${")
    if "\n" not in text or not text.strip("\n") or _ODD.search(text):
        yield f"{indent}{key}: {quoted(text, filled=True)}"
        return
    ends = "+" if text.endswith("\n\n") else "" if text.endswith("\n") else "-"
    starts = "2" if text[0] in " \n\t" else ""
    yield f"{indent}{key}: |{starts}{ends}"
    lines = text.split("\n")
    for line in lines[:-1] if text.endswith("\n") else lines:
        yield f"{indent}  {line}" if line else ""


def quoted(text: str, *, filled: bool = False) -> str:
    """A text in double quotes, on one line, that YAML reads back as it is."""
    text = text if filled else text.replace("${", "$${")
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _scalar(text: str) -> str:
    """A text without quotes where YAML takes it for one all the same."""
    return text if _PLAIN.match(text) and text.lower() not in _WORDS else quoted(text)


def key_text(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name) else quoted(name)


def comment(text: str | None) -> str:
    """A text as it may stand in a comment."""
    return "".join(mark if mark.isprintable() else " " for mark in text or "")[:WIDTH]


def milliseconds(seconds: float) -> str:
    """A time with its unit, to a tenth of a millisecond."""
    return f"{round(seconds * 1000, 1):g}ms" if seconds < 900 else f"{round(seconds, 1):.1f}s"


def _example(rule: RecordedRule) -> Iterator[str]:
    """The request, so that a person sees what was asked, and `mockllm test` that it is found."""
    body = None if rule.private else _body(rule.asked.body)
    if body is None:
        yield f"  # {rule.name}: the request is no JSON, too long to stand here, or held a key"
        return
    asked: dict[str, Json] = {"method": rule.asked.method, "path": rule.asked.path}
    if rule.session is not None:
        asked["session"] = rule.session
    query = {name: value for name, value in rule.request.query.items() if name == "alt"}
    if query:
        asked["query"] = query
    hints = {name: value for name, value in rule.request.headers.items() if name in HINT_HEADERS}
    if rule.request.provider is not None and hints:
        asked["headers"] = hints
    if body != "":
        asked["body"] = body
    request = quoted_json(asked)
    expected = [f"{{rule: {_scalar(rule.name)}, status: {each.response.status}}}" for each in rule.answers]
    if len(expected) == 1:
        yield f"  - request: {request}"
        yield f"    expect: {expected[0]}"
        return
    yield "  - steps:"
    yield f"      - {{request: &again {request}, expect: {expected[0]}}}"
    yield from (f"      - {{request: *again, expect: {each}}}" for each in expected[1:])


def quoted_json(value: Json) -> str:
    """JSON on one line: it is YAML too."""
    text = json.dumps(value, ensure_ascii=False).replace("${", "$${")
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _body(raw: bytes) -> Json:
    """The body, as an example holds it; None where it cannot."""
    if not raw:
        return ""
    if len(raw) > LARGEST_EXAMPLE:
        return None
    try:
        body = loads(raw)
    except JSONDecodeError:
        return None
    return body if redacted(body) == body and isinstance(body, dict | list) else None
