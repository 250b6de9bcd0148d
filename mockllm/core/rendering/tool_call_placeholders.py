"""The placeholder for the arguments of a generated tool call.

The placeholder is a JSON object with marks in the name of its only member. An encoder writes this object as it writes
any arguments, in one or several forms. With `BEGIN` and `END` for the marks, an encoder of compact JSON writes

    {"input":{"BEGIN<>&'/é END":1e-05}}

`MarkedToolCall.replace` finds the object, recognizes its form by the characters between the marks and by the number,
and puts the number of the form there:

    {"input":FOUND0;}
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from mockllm.core.json.codec import dumps, spaced, without_angles
from mockllm.core.rendering.argument_forms import (
    ArgumentsForm,
    CompactJson,
    IndentedJson,
    JsonText,
    OneLineJson,
    TextChunks,
)
from mockllm.core.reply.reply import GeneratedToolCall

_NUMBER: Final = 1e-5
"""A number that writers of JSON write differently."""
_CHARACTERS: Final = "<>&'/é\x7f\u2028\U0001f642"
"""Characters that some writers of JSON escape."""


class MarkedToolCall:
    """A tool call whose arguments are the placeholder. `mark` is a text that no other part of a response has."""

    def __init__(self, mark: str) -> None:
        begin, end = f"{mark}a", f"{mark}z"
        self.chunks: Final = (f'{{"{begin}{_CHARACTERS}', f'{end}":{dumps(_NUMBER).decode()}}}')
        self._marks = (begin.encode(), end.encode())
        self._found = f"{mark}c%d;".encode()
        self._written = re.compile("|".join(_patterns(begin, end)).encode(), re.DOTALL)

    def in_place_of(self, call: GeneratedToolCall, output_tokens: int) -> GeneratedToolCall:
        """Return the call with the placeholder as arguments, in two chunks where those of that call are cut."""
        text = "".join(self.chunks)
        return GeneratedToolCall(
            call.tool, text, self.chunks if call.in_chunks else (text,), output_tokens, call.in_chunks
        )

    def replace(self, data: bytes, number_of: Callable[[ArgumentsForm], int]) -> bytes:
        """Return rendered bytes with a marker in place of each placeholder: the mark, `c`, the number of its form.
        `number_of` numbers the forms. Raise TypeError for a placeholder in an unknown form."""
        begin, end = self._marks
        if begin not in data and end not in data:
            return data
        replaced = self._written.sub(lambda found: self._found % number_of(_form_of(found)), data)
        if begin in replaced or end in replaced:
            raise TypeError("the arguments of a call have a form that no placeholder has")
        return replaced


def _patterns(begin: str, end: str) -> list[str]:
    """Return a regex for each form. Its group has the name of the form."""
    plain, number = re.escape(_CHARACTERS), re.escape(dumps(_NUMBER).decode())
    escaped = re.escape(without_angles(_CHARACTERS.encode()).decode())
    spaced_number = re.escape(spaced(_NUMBER).decode())
    return [
        rf'(?P<text>\{{\\"{begin}{plain}{end}\\":{number}\}})',
        rf'(?P<chunks>\{{\\"{begin}{plain}(?P<between>.+?){end}\\":{number}\}})',
        rf'(?P<compact>\{{"{begin}{plain}{end}":{number}\}})',
        rf'(?P<indented>\{{\n *"{begin}(?:{plain}|(?P<angles>{escaped})){end}": {number}(?P<line_break>\n *)\}})',
        rf'(?P<line>\{{"{begin}{escaped}{end}": {spaced_number}\}})',
    ]


def _form_of(found: re.Match[bytes]) -> ArgumentsForm:
    match found.lastgroup:
        case "text":
            return JsonText()
        case "chunks":
            return TextChunks((found["between"],))
        case "compact":
            return CompactJson()
        case "indented":
            return IndentedJson(found["line_break"], found["angles"] is not None)
        case _:
            return OneLineJson()
