"""Placeholders for the arguments of a call: where a response has them, and in which form.

A cached response with a generated call is rendered with marked arguments, a JSON object with one member. Encoders
write these as they write any arguments: as a JSON text, as JSON, or in chunks. The marks show the form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from mockllm.core.json.codec import dumps, loads, pretty, spaced, text_fragment, without_angles
from mockllm.core.reply.generated_call import GeneratedCall

Form: TypeAlias = Literal["text", "json", "pretty", "line", "chunks", "count"]
"""Arguments as a text in a JSON string, as compact JSON, or as indented JSON. `line` is JSON on one line (`spaced`)
with its angle brackets escaped. `chunks` are texts in JSON strings, and `count` is their number."""
_NUMBER: Final = 1e-5
"""A number that writers of JSON write differently."""
_PROBE: Final = "<>&'/é\x7f\u2028\U0001f642"
"""Characters that some writers of JSON escape, in the marked arguments: a form is recognized by what it does to
them."""

_BETWEEN_CHUNKS: Final = "\x7f"
"""A character that JSON does not escape, and that few arguments have."""


class CallForm(NamedTuple):
    """A place of the arguments. `between`: the parts of the bytes between two chunks, every second one empty for a
    value that `select` selects. `indent`: the line break before a line of indented JSON. `angled`: whether that has
    escaped angle brackets."""

    form: Form
    angled: bool = False
    indent: bytes = b"\n"
    between: Sequence[bytes] = ()
    select: Callable[[Sequence[bytes]], Sequence[bytes]] = lambda _: ()

    def written(self, call: GeneratedCall, values: Sequence[bytes]) -> bytes:
        """Return the arguments of a call, with these values between its chunks."""
        if self.form == "text":
            return text_fragment(call.text)[1:-1]
        if self.form == "json":
            return call.text.encode()
        if self.form == "pretty":
            indented = pretty(loads(call.text)).replace(b"\n", self.indent)
            return without_angles(indented) if self.angled else indented
        if self.form == "line":
            return without_angles(spaced(loads(call.text)))
        if self.form == "count":
            return b"%d" % len(call.chunks)
        parts = [*self.between]
        parts[1::2] = self.select(values)
        between = b"".join(parts)
        if _BETWEEN_CHUNKS in call.text:
            return between.join([text_fragment(chunk)[1:-1] for chunk in call.chunks])
        return text_fragment(_BETWEEN_CHUNKS.join(call.chunks))[1:-1].replace(b"\x7f", between)


class MarkedCall:
    """The marked arguments, and how they are found in rendered bytes. `mark` is a text that no response has."""

    def __init__(self, mark: str) -> None:
        self._found = f"{mark}c%d;".encode()
        self._mark = mark.encode()
        a, z, number = f"{mark}a", f"{mark}z", dumps(_NUMBER).decode()
        self.chunks: Final = (f'{{"{a}{_PROBE}', f'{z}":{number}}}')
        raw, number = re.escape(_PROBE), re.escape(number)
        escaped = re.escape(without_angles(_PROBE.encode()).decode())
        own = re.escape(spaced(_NUMBER).decode())
        self._forms: Final = re.compile(
            rf'\{{\\"{a}{raw}(?P<between>.*?){z}\\":{number}\}}|(?P<json>\{{"{a}{raw}{z}":{number}\}})'
            rf'|\{{\n *"{a}(?:{raw}|(?P<angled>{escaped})){z}": {number}(?P<indent>\n *)\}}'
            rf'|(?P<line>\{{"{a}{escaped}{z}": {own}\}})'.encode(),
            re.DOTALL,
        )

    def in_place_of(self, call: GeneratedCall, tokens: int) -> GeneratedCall:
        """Return the call with the marked arguments, in two chunks where that is divided."""
        text = "".join(self.chunks)
        return GeneratedCall(call.tool, text, self.chunks if call.divided else (text,), tokens, call.divided)

    def replace(self, data: bytes, number_of: Callable[[CallForm], int]) -> bytes:
        """Return the bytes with marks (`pattern`) in place of the arguments. `number_of` numbers their forms. Raise
        TypeError where arguments have another form."""
        if self._mark not in data:
            return data

        def found(match: re.Match[bytes]) -> bytes:
            if match["json"]:
                form = CallForm("json")
            elif match["indent"]:
                form = CallForm("pretty", bool(match["angled"]), match["indent"])
            elif match["line"]:
                form = CallForm("line")
            elif match["between"]:
                form = CallForm("chunks", between=(match["between"],))
            else:
                form = CallForm("text")
            return self._found % number_of(form)

        replaced = self._forms.sub(found, data)
        if self._mark + b"a" in replaced or self._mark + b"z" in replaced:
            raise TypeError("the arguments of a call have a form that no placeholder has")
        return replaced
