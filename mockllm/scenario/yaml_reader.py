"""From the bytes of one scenario file to its data, its marks and its mistakes.

`read_source` never raises for anything a file can hold; what it refuses stands in `Source.mistakes`. Apart from
`Source` itself, which the parser's events are turned into, and which knows no parser.
"""

from __future__ import annotations

import re
from typing import Final

from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.source_file import LARGEST_FILE, Position, Source, digest, packed

_REFUSED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


def read_source(text: str | bytes, name: str) -> Source:
    """Reads one YAML document by YAML 1.2's core schema. All mistakes that can be told apart are collected;
    after a syntax error there is no data."""
    from mockllm.scenario.yaml_nodes import read_nodes  # the YAML parser takes 20 ms to import

    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        plain = _decoded(raw, name)
    except _Unreadable as unreadable:
        return Source(name, None, (0, packed(1, 1), None), (unreadable.mistake,), digest(raw))
    data, mark, mistakes = read_nodes(plain, name)
    return Source(name, data, mark, tuple(mistakes), digest(raw), "${" in plain)


class _Unreadable(Exception):
    def __init__(self, name: str, line: int, column: int, message: str) -> None:
        self.mistake = Diagnostic(name, line, column, "", message)


def _decoded(raw: bytes, name: str) -> str:
    """The file's text, or why no parser should see it."""
    if len(raw) > LARGEST_FILE:
        size, most = len(raw) // 2**20, LARGEST_FILE // 2**20
        raise _Unreadable(name, 1, 1, f"the file holds {size} MiB; at most {most} MiB are read: split it")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _Unreadable(name, 1, 1, "the file is saved as UTF-16; save it as UTF-8")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _after(raw[: error.start].decode("utf-8"))
        message = f"the byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise _Unreadable(name, *place, message) from None
    text = text.removeprefix("\ufeff")
    refused = _REFUSED.search(text)
    if refused:
        code = ord(refused[0])
        escape = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
        message = f'the character U+{code:04X} cannot stand in YAML; write "{escape}" in double quotes'
        raise _Unreadable(name, *_after(text[: refused.start()]), message)
    return text


def _after(text: str) -> Position:
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    return Position(len(lines), len(lines[-1]) + 1)
