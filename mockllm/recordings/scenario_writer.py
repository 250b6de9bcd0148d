"""Writes readable scenario files of interactions: one rule for each request, with its hash and replay.

This module writes the YAML itself, to control its form: texts as blocks, each event on a separate line.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from msgspec import Struct, field

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.key_forms import REDACTED
from mockllm.core.quantities.parse import MAX_DURATION
from mockllm.core.redaction import Redactor, redacted
from mockllm.core.rendering.gzip import ENCODING, decompressed_frames
from mockllm.core.rendering.recorded_websocket import RecordedMessage
from mockllm.core.request.body_fields import VOLATILE
from mockllm.core.request.header_lines import combine_lines
from mockllm.core.request.request import Request
from mockllm.core.request.request_keys import request_hash
from mockllm.core.secret_masker import SecretMasker
from mockllm.engine import Engine
from mockllm.engine.settings import EngineSettings
from mockllm.recordings.interaction import HINT_HEADERS, Interaction, RecordedRequest, RecordedResponse
from mockllm.recordings.redaction import redact, redactor_of
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.source_file import MAX_ALIAS_VALUES, MAX_FILE_SIZE
from mockllm.scenario.yaml_reader import read_source
from mockllm.state.engine_state import EngineState

MAX_EXAMPLE: Final = 20_000
"""Largest request in bytes that is written as an example."""
_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9_/.+-]*\Z")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_NOT_BLOCK: Final = re.compile(_UNPRINTABLE.pattern + r"|(?m:^[ \t]+$)")
"""Text that a YAML block cannot represent, including lines of blanks only."""
_GLOB: Final = re.compile(r"[*?\[]")
WIDTH: Final = 100
MAX_KEY: Final = 1000
"""The most characters of a key before its colon. YAML reads 1,024; a longer key needs a `?` before it."""
_JSON_TEXT: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"(:?)')


class RequestParser:
    """Decodes requests like the server, to compute their names and hashes. `private`: texts that no file may have."""

    def __init__(self, volatile: frozenset[str] = VOLATILE, private: Sequence[str] = ()) -> None:
        self.private = private
        self._engine = Engine(
            run_steps(compile_catalog([])), EngineState(), EngineSettings(volatile=volatile)
        )

    def read(self, recorded: RecordedRequest) -> Request:
        headers = combine_lines(recorded.headers)
        return self._engine.read(
            recorded.method, recorded.path, recorded.query_string, headers, recorded.body, "127.0.0.1", 0.0
        )


class RecordedRule(Struct):
    """One request with its recorded responses in their order. `is_continued`: another file has earlier ones."""

    name: str
    request: Request
    recorded: RecordedRequest
    hash: str
    session: str | None
    redactor: Redactor
    private: bool
    """Whether the request must not be written as an example, because it contains a secret."""
    interactions: list[Interaction] = field(default_factory=list)
    is_continued: bool = False


TOO_LARGE: Final = f"a scenario file has at most {MAX_FILE_SIZE // 2**20} MiB"


def rules_of(interactions: Iterable[Interaction], reader: RequestParser) -> list[RecordedRule]:
    """Group interactions by request, in the order of their first occurrence."""
    rules: dict[tuple[str | None, str], RecordedRule] = {}
    names: set[str] = set()
    for interaction in interactions:
        request = reader.read(interaction.request)
        redactor = redactor_of(interaction.request, interaction.response.headers, reader.private)
        hash = request_hash(request)
        rule = rules.get((interaction.session, hash))
        if rule is None:
            name = f"{request.api or 'call'}-{hash[:8]}"
            if name in names:
                name = f"{name}-{len(names)}"
            names.add(name)
            private = _is_private(request, redactor)
            values = (name, request, interaction.request, hash, interaction.session, redactor, private)
            rule = rules[interaction.session, hash] = RecordedRule(*values)
        rule.interactions.append(redact(interaction, redactor))
    return list(rules.values())


def _is_private(request: Request, redactor: Redactor) -> bool:
    """Return whether a path, a header or the body of an example would contain a secret."""
    texts = [
        request.path,
        request.query.get("alt", ""),
        *(value for name, value in request.headers.items() if name in HINT_HEADERS),
    ]
    if any(redactor.target(text) != text for text in texts):
        return True
    return bool(SecretMasker(redactor.secrets).contained(request.raw))


class ImportedFiles(NamedTuple):
    """The texts of scenario files, the number of interactions in them, and notes on what they omit."""

    texts: list[str]
    imported: int
    notes: list[str]


def scenario(interactions: Iterable[Interaction], title: str, reader: RequestParser) -> ImportedFiles:
    """Return the scenario file of interactions. Where one file would be too large, return several. A rule that is too
    large for any file is omitted."""
    rules = rules_of(interactions, reader)
    notes = [note for rule in rules for interaction in rule.interactions for note in interaction.notes]
    files = ImportedFiles([], sum(len(rule.interactions) for rule in rules), notes)
    for text, of_rules in _texts(rules, title):
        if _is_too_large(text):
            omitted = of_rules[0].interactions
            notes.append(f"{omitted[0].where}: the responses to this request are left out: {TOO_LARGE}")
            files = files._replace(imported=files.imported - len(omitted))
        else:
            files.texts.append(text)
    return files


def _texts(rules: Sequence[RecordedRule], title: str) -> Iterator[tuple[str, Sequence[RecordedRule]]]:
    """Yield the texts of scenario files with these rules. Only that of one rule may be too large."""
    text, middle = recorded_text(rules, title), len(rules) // 2
    if middle == 0 or not _is_too_large(text):
        yield text, rules
    else:
        yield from _texts(rules[:middle], title)
        yield from _texts(rules[middle:], title)


def _is_too_large(text: str) -> bool:
    return len(text) > MAX_FILE_SIZE // 4 and len(text.encode()) > MAX_FILE_SIZE


def recorded_text(rules: Iterable[RecordedRule], title: str) -> str:
    """Return the scenario file of recorded rules."""
    lines = [
        f"# {comment(title)}",
        "validation: off  # the recorded response is returned in any case",
        "rules:",
    ]
    examples, repeatable = [], MAX_ALIAS_VALUES
    for rule in rules:
        lines += _rule(rule)
        example, repeated = _example(rule, repeatable)
        examples += example
        repeatable -= repeated
    if any(not line.lstrip().startswith("#") for line in examples):
        lines.append("examples:")
    return "\n".join([*lines, *examples]) + "\n"


def _rule(rule: RecordedRule) -> Iterator[str]:
    path, model = rule.redactor.target(rule.request.path), rule.redactor.text(rule.request.model or "")
    line = f"{rule.redactor.text(rule.recorded.method)} {path}"
    yield f"  - name: {_plain(rule.name)}  # {comment(line)}{', ' if model else ''}{comment(model)}"
    condition = _plain(path) if path == rule.request.path else _plain(path.replace(REDACTED, "*"))
    if _GLOB.search(rule.request.path):
        condition = f"{{equals: {_plain(path)}}}" if path == rule.request.path else '"*"'
    match = {"path": condition, "hash": _plain(rule.hash)}
    if rule.session is not None:
        match["session"] = _plain(rule.session)
    yield f"    match: {{{', '.join(f'{name}: {value}' for name, value in match.items())}}}"
    if rule.session is not None:
        yield "    priority: 1  # before recordings without a session"
    if len(rule.interactions) == 1:
        yield "    replay:"
        yield from _replay(rule.interactions[0].response, "      ")
        return
    yield "    sequence:"
    for interaction in rule.interactions:
        yield "      - replay:"
        yield from _replay(interaction.response, "          ")


def _replay(response: RecordedResponse, indent: str) -> Iterator[str]:
    if response.status != 200 and response.messages is None:
        yield f"{indent}status: {response.status}"
    if response.headers:
        yield f"{indent}headers:"
        for name, value in response.headers:
            yield f"{indent}  {key_text(name, indent + '  ')}: {quoted(value)}"
    if response.messages is not None:
        yield f"{indent}messages:" if response.messages else f"{indent}messages: []"
        yield from (line for message in response.messages for line in _message(message, f"{indent}  "))
        return
    if not response.frames:
        yield f"{indent}frames: []"
        return
    yield f"{indent}frames:"
    yield from _decompressed_text(response, f"{indent}  ")
    for frame in response.frames:
        yield f"{indent}  - at: {milliseconds(frame.at)}"
        yield from _data(frame.data, f"{indent}    ")


def _message(message: RecordedMessage, indent: str) -> Iterator[str]:
    """Yield a message of a WebSocket, or its end."""
    yield f"{indent}- at: {milliseconds(message.at)}"
    if message.from_client:
        yield f"{indent}  from: client"
    if message.close is not None:
        yield f"{indent}  close: {message.close}"
        if not message.data:
            return
    lines = list(_data(message.data, f"{indent}  "))
    if message.binary and lines[0].lstrip().startswith("data:"):
        yield f"{indent}  binary: true"
    yield from lines


def _decompressed_text(response: RecordedResponse, indent: str) -> Iterator[str]:
    """Yield the decompressed text of a response as a comment."""
    coding = next((value for name, value in response.headers if name.lower() == ENCODING), None)
    frames = [frame.data for frame in response.frames]
    parts = None if coding is None else decompressed_frames(coding, frames, MAX_EXAMPLE * 4)
    text = b"".join(parts or ()).decode("utf-8", "replace")
    if not text or len(text) > MAX_EXAMPLE:
        return
    yield f"{indent}# Compressed ({coding}). Its text:"
    for line in text.splitlines():
        yield f"{indent}#   {_UNPRINTABLE.sub(' ', line)}".rstrip()


def _data(data: bytes, indent: str) -> Iterator[str]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        yield f"{indent}base64: |-"
        encoded = b64encode(data).decode()
        yield from (f"{indent}  {encoded[at : at + WIDTH]}" for at in range(0, len(encoded), WIDTH))
        return
    yield from text_lines("data", text, indent)


def text_lines(key: str, text: str, indent: str) -> Iterator[str]:
    """Yield a text as a block if it has several lines, else in quotes."""
    text = text.replace("${", "$${")
    if "\n" not in text or not text.strip("\n") or _NOT_BLOCK.search(text):
        yield f"{indent}{key}: {quoted(text, filled=True)}"
        return
    ends = "+" if text.endswith("\n\n") else "" if text.endswith("\n") else "-"
    starts = "2" if text[0] in " \n\t" else ""
    yield f"{indent}{key}: |{starts}{ends}"
    lines = text.split("\n")
    for line in lines[:-1] if text.endswith("\n") else lines:
        yield f"{indent}  {line}" if line else ""


def quoted(value: Json, *, filled: bool = False) -> str:
    """Return JSON on one line, which YAML parses to the same value. `filled`: a text has its `$${` already."""
    text = json.dumps(value, ensure_ascii=False)
    text = text if filled else text.replace("${", "$${")
    return printable_json(text)


def printable_json(text: str) -> str:
    """Return the text of JSON with escapes for what YAML does not allow, and marks before long keys."""
    text = _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return _JSON_TEXT.sub(_marked_key, text) if len(text) > MAX_KEY and text[0] != '"' else text


def _marked_key(found: re.Match[str]) -> str:
    return f"? {found[0]}" if found[1] and len(found[0]) > MAX_KEY else found[0]


def _plain(text: str) -> str:
    """Return a text, without quotes if YAML parses it as a string."""
    return text if _PLAIN.match(text) and text.lower() not in _WORDS else quoted(text)


def key_text(name: str, indent: str) -> str:
    """Return a key, in quotes if necessary. The colon after a long key is on a line with this indent."""
    text = name if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name) else quoted(name)
    return text if len(text) <= MAX_KEY else f"? {text}\n{indent}"


def comment(text: str | None) -> str:
    """Return a text for a comment."""
    return "".join(mark if mark.isprintable() else " " for mark in text or "")[:WIDTH]


def milliseconds(seconds: float) -> str:
    """Return a time with its unit, to a tenth of a millisecond."""
    return f"{round(seconds * 1000, 1):g}ms" if seconds < 900 else f"{round(seconds, 1):.1f}s"


def wait_text(milliseconds: float) -> str:
    """Return a wait of a scenario with its unit and all of its digits."""
    return f"{Decimal(str(abs(milliseconds))):f}ms"


def is_wait(value: Json) -> bool:
    """Return whether a value is a number of milliseconds that a scenario accepts as a wait."""
    return type(value) in (int, float) and 0 <= value <= MAX_DURATION * 1000


def _example(rule: RecordedRule, repeatable: int) -> tuple[list[str], int]:
    """Return the request as an example, for readers and for `mockllm test`, and the number of values that it repeats.
    The aliases of a file may repeat so many values only, so a long sequence has an example of its first responses."""
    if rule.is_continued:
        return [f"  # {rule.name}: the example is in the first file"], 0
    body = None if rule.private else _body(rule.recorded.body)
    request = {} if body is None else _example_request(rule, body)
    text = quoted(request)
    if body is None or read_source(f"examples: [{{steps: [{{request: {text}}}]}}]", "").diagnostics:
        return [f"  # {rule.name}: the request is not JSON, too long or too deep, or contains a key"], 0
    expected = [
        f"{{rule: {_plain(rule.name)}, status: {interaction.response.status}}}"
        for interaction in rule.interactions
    ]
    if len(expected) == 1:
        return [f"  - request: {text}", f"    expect: {expected[0]}"], 0
    size = _value_count(request)
    first, *again = expected[: 1 + repeatable // size]
    lines = ["  - steps:", f"      - {{request: &again {text}, expect: {first}}}"]
    lines += (f"      - {{request: *again, expect: {each}}}" for each in again)
    return lines, size * len(again)


def _example_request(rule: RecordedRule, body: Json) -> dict[str, Json]:
    request: dict[str, Json] = {"method": rule.recorded.method, "path": rule.recorded.path}
    if rule.session is not None:
        request["session"] = rule.session
    query = {name: value for name, value in rule.request.query.items() if name == "alt"}
    if query:
        request["query"] = query
    hints = {name: value for name, value in rule.request.headers.items() if name in HINT_HEADERS}
    hints = hints if rule.request.provider is not None else {}
    if rule.interactions[0].response.messages is not None:
        hints["upgrade"] = "websocket"
    if hints:
        request["headers"] = hints
    if body != "":
        request["body"] = body
    return request


def _value_count(value: Json) -> int:
    """Return the number of values in JSON, with the names of members: at least as many as the reader counts."""
    if isinstance(value, dict):
        return 1 + len(value) + sum(map(_value_count, value.values()))
    return 1 + sum(map(_value_count, value)) if isinstance(value, list) else 1


def _body(raw: bytes) -> Json:
    """Return the body for an example; None if it cannot be written."""
    if not raw:
        return ""
    try:
        body = loads(raw) if len(raw) <= MAX_EXAMPLE else None
    except JSONDecodeError:
        return None
    return body if redacted(body) == body and isinstance(body, dict | list) else None
