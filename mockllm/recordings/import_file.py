"""A file that is to be imported: its data, and where in it everything stands."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.recordings.hosts import placed
from mockllm.recordings.interaction import Pairs, RecordedRequest, RecordedResponse
from mockllm.scenario.diagnostics import Path, path_text
from mockllm.scenario.source_file import NOTHING, Source
from mockllm.scenario.yaml_reader import read_source

_TAG: Final = re.compile(r'the tag "[^"]*binary" is not read')
_TEXT_TAG: Final = re.compile(r'the tag "[^"]*python/(unicode|str)" is not read')
"""What cassettes of old Pythons call their texts."""


class NotImported(Exception):
    """Nothing can be taken from a file; a line for a person, with its place."""


class ImportFile:
    """One file."""

    def __init__(self, name: str, raw: bytes) -> None:
        self.name = name
        self.raw = raw

    @cached_property
    def text(self) -> str:
        return self.raw.decode("utf-8", "replace")

    @cached_property
    def source(self) -> Source:
        """The file as YAML (JSON is YAML, but for tabs), for positions and for tags."""
        return read_source(self.raw, self.name)

    @cached_property
    def data(self) -> Json:
        """What it holds: as JSON, else as YAML. Raises NotImported."""
        try:
            return loads(self.raw)
        except JSONDecodeError:
            pass
        known = (_TAG, _TEXT_TAG)
        mistakes = [
            each for each in self.source.mistakes if not any(tag.search(each.message) for tag in known)
        ]
        if self.source.data is None or mistakes:
            raise NotImported(str(mistakes[0]) if mistakes else f"{self.name}: there is nothing in it")
        return self.source.data

    @cached_property
    def binary(self) -> frozenset[str]:
        """The paths of what is tagged as binary: its text is base64."""
        return frozenset(each.path for each in self.source.mistakes if _TAG.search(each.message))

    def where(self, path: Path) -> str:
        """A place in it, for a person."""
        source = self.source if self.source.data is not None else NOTHING
        place = source.where(path)
        return f"{self.name}:{place.line}:{place.column}"

    def held(self, value: Json, path: Path) -> bytes:
        """What a value holds that is a text, or base64 where it is tagged so; other JSON as JSON."""
        if value is None:
            return b""
        if isinstance(value, str):
            return self.unpacked(value, path) if path_text(path) in self.binary else value.encode()
        return dumps(value)

    def unpacked(self, text: str, path: Path) -> bytes:
        """Base64."""
        try:
            return b64decode("".join(text.split()), validate=True)
        except Base64Error:
            raise NotImported(f"{self.where(path)}: this is not base64") from None


def header_pairs(value: Json) -> Pairs:
    """Headers in any of the usual forms: by name, with one value or several; pairs; objects with name and value."""
    pairs: list[tuple[str, str]] = []
    if isinstance(value, dict):
        for name, held in value.items():
            pairs += [(name, header_text(each)) for each in (held if isinstance(held, list) else [held])]
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict) and "name" in each:
            pairs.append((header_text(each["name"]), header_text(each.get("value"))))
        elif isinstance(each, list) and len(each) == 2:
            pairs.append((header_text(each[0]), header_text(each[1])))
    return tuple((name, text) for name, text in pairs if not name.startswith(":"))


def header_text(value: Any) -> str:
    """A header's value, whatever it was written as."""
    return "" if value is None else value if isinstance(value, str) else dumps(value).decode()


def parse_request(method: str, url: str, headers: Pairs, body: bytes) -> RecordedRequest:
    """A request to a URL, at its place on this server."""
    parts = urlsplit(url)
    return RecordedRequest(
        method.upper(), placed(parts.netloc or None, parts.path or "/"), parts.query, headers, body
    )


def parse_response(status: int, headers: Pairs, body: bytes, at: float = 0.0) -> RecordedResponse:
    """An answer whose chunks nobody has noted the times of."""
    return RecordedResponse(status, headers, (RecordedFrame(at, body),) if body else ())


def of(value: Json, key: str) -> Json:
    """What an object holds under a key; None where there is nothing, or no object."""
    return value.get(key) if isinstance(value, dict) else None
