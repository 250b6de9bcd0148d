"""Response headers: names and values that HTTP can carry, found wrong at load instead of bent on the wire."""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator

from mockllm.core.quantities.types import quantity_error
from mockllm.core.values.types import Templated

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
"""A token: RFC 9110, section 5.6.2."""
FRAMING: Final = frozenset({"content-length", "transfer-encoding", "connection"})
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def _name(name: str) -> str:
    if not _NAME.match(name):
        raise quantity_error(f'"{name}" is no name of a header; letters, digits and - make one')
    if name.lower() in FRAMING:
        raise quantity_error(
            f"{name} is the server's own to send: it tells how this very answer is carried; leave it out"
        )
    return name


def line_of_text(value: str) -> str:
    """A header's value; a mistake where HTTP cannot carry it."""
    if _CONTROL.search(value):
        raise quantity_error("a header's value is one line, without control characters")
    return value


HeaderName: TypeAlias = Annotated[str, AfterValidator(_name)]
HeaderValue: TypeAlias = Templated[Annotated[str, AfterValidator(line_of_text)]]
Headers: TypeAlias = dict[HeaderName, HeaderValue]
