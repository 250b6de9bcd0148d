"""The fields and files of forms: `multipart/form-data` (RFC 7578) and `application/x-www-form-urlencoded`, and the
parts of `multipart/related` (RFC 2387)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote

URLENCODED: Final = "application/x-www-form-urlencoded"
MAX_FIELDS: Final = 1_000
"""The fields that are read of one form: a client chooses their number."""
MAX_ENCODED: Final = 50_000
"""The percent-encoded bytes that are decoded of one form: each takes as long as a thousand others."""
MAX_NAME: Final = 1_000
"""The characters of a file's name that is decoded. A longer one stays as it came."""
MAX_HEAD: Final = 16_384
"""The bytes of a part's head; a part with a longer one is not read."""
_BOUNDARY: Final = re.compile(r'boundary=(?:"([^"]+)"|([^;,\s]+))', re.IGNORECASE)
_NAME: Final = re.compile(rb'[;\s]name="([^"]*)"', re.IGNORECASE)
_FILE: Final = re.compile(rb'[;\s]filename="([^"]*)"', re.IGNORECASE)
_TYPE: Final = re.compile(rb"^content-type:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
END_OF_HEAD: Final = b"\r\n\r\n"


class FormFile(NamedTuple):
    """A file of a form: the name of its field, its own name, its media type (empty where it has none), its bytes."""

    field: str
    name: str
    media_type: str
    content: bytes


class MultipartPart(NamedTuple):
    """One part of a multipart body, with its head unparsed."""

    head: bytes
    content: bytes

    @property
    def media_type(self) -> str:
        found = _TYPE.search(self.head)
        return "" if found is None else found[1].decode("utf-8", "replace").strip()

    @property
    def field(self) -> str | None:
        """The name of the form's field; None where the part has none."""
        found = _NAME.search(self.head)
        return None if found is None else found[1].decode("utf-8", "replace")

    @property
    def filename(self) -> str | None:
        """The name of the file; None where the part is no file. Browsers percent-encode quotes in it."""
        found = _FILE.search(self.head)
        if found is None:
            return None
        name = found[1].decode("utf-8", "replace")
        return unquote(name) if len(name) <= MAX_NAME else name


def multipart_parts(content_type: str, body: bytes) -> Iterator[MultipartPart]:
    """Yield the parts of a multipart body; none of any other body."""
    delimiter = part_delimiter(content_type)
    if delimiter is None:
        return
    for part in body.split(delimiter, MAX_FIELDS)[1:]:
        end = _head_end(part)
        if end >= 0:
            yield MultipartPart(part[:end], part[end + len(END_OF_HEAD) :].removesuffix(b"\r\n"))


def _head_end(part: bytes) -> int:
    """Return where the head of a part ends; -1 for a part without a head, or with a long one."""
    return part.find(END_OF_HEAD, 0, MAX_HEAD + len(END_OF_HEAD))


def part_delimiter(content_type: str) -> bytes | None:
    """Return the bytes before each part of a multipart body; None for any other body."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None or content_type.lstrip()[:10].lower() != "multipart/":
        return None
    return b"--" + (boundary[1] or boundary[2]).encode("utf-8", "replace")


def without_boundary(content_type: str, body: bytes) -> bytes:
    """Return a multipart body without its boundary, which clients draw anew for each request; any other body as it
    is."""
    delimiter = part_delimiter(content_type)
    return body if delimiter is None else body.replace(delimiter, b"--")


def read_form(content_type: str, body: bytes) -> dict[str, str]:
    """Return the fields by name, the last one of a repeated name; of a file its name. A URL-encoded form beyond the
    bounds and any other body have none."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == URLENCODED:
        return dict(urlencoded_fields(body))
    if kind != "multipart/form-data":
        return {}
    fields: dict[str, str] = {}
    for part in multipart_parts(content_type, body):
        name, file = part.field, part.filename
        if name is not None:
            fields[name] = part.content.decode("utf-8", "replace") if file is None else file
    return fields


def urlencoded_fields(body: bytes) -> list[tuple[str, str]]:
    """Return the fields of a URL-encoded form in order; none of a form beyond the bounds."""
    if body.count(b"%") > MAX_ENCODED:
        return []
    text = body.decode("utf-8", "replace")
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:  # more fields
        return []


def read_files(content_type: str, body: bytes) -> tuple[FormFile, ...]:
    """Return the files of a form."""
    return tuple(
        FormFile(part.field, part.filename, part.media_type, part.content)
        for part in multipart_parts(content_type, body)
        if part.field is not None and part.filename is not None
    )


def without_contents(content_type: str, body: bytes) -> bytes:
    """Return an upload without the contents of its files: the journal stores this. It has the fields of a form, the
    first part of another multipart body, which describes the file, and nothing of any other body."""
    delimiter = part_delimiter(content_type)
    if delimiter is None:
        return b""
    is_form = "form-data" in content_type.lower()
    parts = body.split(delimiter, MAX_FIELDS)
    for place, part in enumerate(parts[1:], 1):
        end = _head_end(part)
        if end >= 0 and (_FILE.search(part, 0, end) is not None if is_form else place > 1):
            parts[place] = part[:end] + END_OF_HEAD + b"\r\n"
    return delimiter.join(parts)
