"""An input file of an import: its data, and the positions of its values."""

from __future__ import annotations

import re
from base64 import b64decode
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from mockllm.core.display import brief
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.rendering.plan import Headers
from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.core.url_secrets import without_credentials, without_passwords
from mockllm.recordings.interaction import RecordedRequest, RecordedResponse, local_path
from mockllm.scenario.diagnostics import Path, path_text
from mockllm.scenario.source_file import EMPTY_SOURCE, Source
from mockllm.scenario.yaml_reader import read_source

_TAG: Final = re.compile(r'the tag "[^"]*binary" is not read')
_KNOWN_TAG: Final = re.compile(r'the tag "[^"]*(binary|python/(unicode|str))" is not read')
"""The tags of bytes, and of strings in cassettes of old Python versions."""


class NotImported(Exception):
    """A file cannot be imported; the message is one line with the position."""


class ImportFile:
    """An input file."""

    def __init__(self, name: str, raw: bytes) -> None:
        self.name = name
        self.raw = raw

    @cached_property
    def source(self) -> Source:
        """The file parsed as YAML, for positions and tags. (JSON is YAML, except for tabs.)"""
        return read_source(self.raw, self.name)

    @cached_property
    def data(self) -> Json:
        """The data of the file, parsed as JSON or else as YAML. Raises NotImported."""
        try:
            return loads(self.raw)
        except JSONDecodeError:
            pass
        diagnostics = [item for item in self.source.diagnostics if not _KNOWN_TAG.search(item.message)]
        if self.source.data is None or diagnostics:
            raise NotImported(str(diagnostics[0]) if diagnostics else f"{self.name}: the file is empty")
        return self.source.data

    @cached_property
    def binary(self) -> frozenset[str]:
        """The paths of values with a binary tag, whose text is base64."""
        return frozenset(item.path for item in self.source.diagnostics if _TAG.search(item.message))

    def where(self, path: Path) -> str:
        """Return a position in the file as text."""
        source = self.source if self.source.data is not None else EMPTY_SOURCE
        position = source.position(path)
        return f"{self.name}:{position.line}:{position.column}"

    def to_bytes(self, value: Json, path: Path) -> bytes:
        """Return the bytes of a string, of tagged base64, or of other values as JSON."""
        if value is None:
            return b""
        if isinstance(value, str):
            return self.from_base64(value, path) if path_text(path) in self.binary else value.encode()
        return dumps(value)

    def from_base64(self, text: str, path: Path) -> bytes:
        """Decode base64. Raises NotImported."""
        try:
            return b64decode("".join(text.split()), validate=True)
        except ValueError:  # base64 raises it, and a subclass of it
            raise NotImported(f"{self.where(path)}: this is not base64") from None


def header_pairs(value: Json) -> Headers:
    """Return headers from one of the usual forms: values by name, pairs, or objects with name and value."""
    pairs: list[tuple[str, str]] = []
    if isinstance(value, dict):
        for name, values in value.items():
            listed = values if isinstance(values, list) else [values]
            pairs += [(name, header_text(item)) for item in listed]
    for item in value if isinstance(value, list | tuple) else ():
        if isinstance(item, dict) and "name" in item:
            pairs.append((header_text(item["name"]), header_text(item.get("value"))))
        elif isinstance(item, list | tuple) and len(item) == 2:
            pairs.append((header_text(item[0]), header_text(item[1])))
    return tuple((name, text) for name, text in pairs if not name.startswith(":"))


def header_text(value: Json) -> str:
    """Return a header's value as text."""
    return "" if value is None else value if isinstance(value, str) else dumps(value).decode()


def parse_request(method: str, url: str, headers: Json, body: bytes, where: str) -> RecordedRequest:
    """Return a request to a URL, with its path on this server. Raises NotImported, with the position `where`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        shown = without_passwords(without_credentials(url))
        raise NotImported(f"{where}: this is not a URL: {brief(shown)}") from None
    method, pairs = method.upper(), header_pairs(headers)
    path = local_path(parts.netloc or None, parts.path or "/", method, pairs)
    return RecordedRequest(method, path, parts.query, pairs, body)


def parse_response(status: int, headers: Json, body: bytes, at: float = 0.0) -> RecordedResponse:
    """Return a response without the times of its chunks."""
    return RecordedResponse(status, header_pairs(headers), (RecordedFrame(at, body),) if body else ())


def of(value: Json, key: str) -> Json:
    """Return the value of an object's key; None for a missing key or another type."""
    return value.get(key) if isinstance(value, dict) else None
