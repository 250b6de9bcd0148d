"""The fields of forms: `multipart/form-data` (RFC 7578) and `application/x-www-form-urlencoded`."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl

MAX_FIELDS: Final = 1_000
"""The fields that are read of one form: a client chooses their number."""
_BOUNDARY: Final = re.compile(r'boundary=(?:"([^"]+)"|([^;,\s]+))', re.IGNORECASE)
_NAME: Final = re.compile(rb'[;\s]name="([^"]*)"', re.IGNORECASE)
_FILE: Final = re.compile(rb'[;\s]filename="([^"]*)"', re.IGNORECASE)


def read_form(content_type: str, body: bytes) -> dict[str, str]:
    """Return the fields by name, the last one of a repeated name; of a file its name. Any other body has none."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        text = body.decode("utf-8", "replace")
        try:
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
        except ValueError:  # more fields
            return {}
    boundary = _BOUNDARY.search(content_type)
    if kind != "multipart/form-data" or boundary is None:
        return {}
    mark = b"--" + (boundary[1] or boundary[2]).encode("utf-8", "replace")
    fields: dict[str, str] = {}
    for part in body.split(mark, MAX_FIELDS)[1:]:
        head, found, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name is not None and found:
            file = _FILE.search(head)
            value = content.removesuffix(b"\r\n") if file is None else file[1]
            fields[name[1].decode("utf-8", "replace")] = value.decode("utf-8", "replace")
    return fields
