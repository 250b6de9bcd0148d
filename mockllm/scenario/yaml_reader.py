"""From the bytes of one scenario file to its data, marks and diagnostics.

`read_source` never raises for the content of a file; errors are in `Source.diagnostics`. Separate from
`Source`, which does not depend on the parser.
"""

from __future__ import annotations

import re
from typing import Final

from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.source_file import MAX_FILE_SIZE, Position, Source, content_digest, pack_position

FORBIDDEN_CHARACTERS: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"
)
"""What no text of a file may have but as an escape."""


def read_source(text: str | bytes, name: str) -> Source:
    """Read one YAML document by YAML 1.2's core schema. All errors that can be separated are collected; after
    a syntax error there is no data."""
    from mockllm.scenario.yaml_nodes import read_nodes  # the YAML parser takes 20 ms to import

    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        plain = _decode(raw, name)
    except _UndecodableFile as error:
        return Source(name, None, (0, pack_position(1, 1), None), (error.diagnostic,), content_digest(raw))
    data, mark, diagnostics, written, blocks = read_nodes(plain, name)
    return Source(name, data, mark, tuple(diagnostics), content_digest(raw), "${" in plain, written, blocks)


class _UndecodableFile(Exception):
    def __init__(self, name: str, line: int, column: int, message: str) -> None:
        self.diagnostic = Diagnostic(name, line, column, "", message)


def _decode(raw: bytes, name: str) -> str:
    """Return the file's text. Raise `_UndecodableFile` for bytes that no parser may read."""
    if len(raw) > MAX_FILE_SIZE:
        size, maximum = len(raw) // 2**20, MAX_FILE_SIZE // 2**20
        raise _UndecodableFile(
            name, 1, 1, f"the file has {size} MiB; the maximum is {maximum} MiB: split the file"
        )
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _UndecodableFile(name, 1, 1, "the file is saved as UTF-16; save it as UTF-8")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if b"\0" in raw:
            message = "this is a binary file, not a text; remove it, or end its name in another suffix"
            raise _UndecodableFile(name, 1, 1, message) from None
        place = _end_position(raw[: error.start].decode("utf-8"))
        message = f"the byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise _UndecodableFile(name, *place, message) from None
    text = text.removeprefix("\ufeff")
    forbidden = FORBIDDEN_CHARACTERS.search(text)
    if forbidden:
        code = ord(forbidden[0])
        escape = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
        message = f'the character U+{code:04X} is not allowed in YAML; write "{escape}" in double quotes'
        raise _UndecodableFile(name, *_end_position(text[: forbidden.start()]), message)
    return text


def _end_position(text: str) -> Position:
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    return Position(len(lines), len(lines[-1]) + 1)
