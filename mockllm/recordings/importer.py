"""Imports a file of another tool: detects its format and writes a scenario file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.quantities.parse import MAX_DURATION
from mockllm.recordings import aimock, har, json_lines_log, raw_responses, vcr, wiremock
from mockllm.recordings.import_file import ImportFile, NotImported
from mockllm.recordings.imported_rules import rules_text
from mockllm.recordings.interaction import Interaction, own_path
from mockllm.recordings.scenario_writer import RequestParser, scenario

KINDS: Final = (
    "a VCR cassette (YAML or JSON), a HAR file, output of `curl -i`, fixtures of aimock, WireMock's mappings, a "
    "log of requests (a JSON object in each line), or an exchange ({request, response})"
)
SUFFIXES: Final = ("", ".yaml", ".yml", ".json", ".har")
"""The ends of names of files with data."""

T = TypeVar("T")
ImportWatch = Callable[[int, int | None], None]
"""Receives the number of exchanges that were read; then, of all of them, the number that became rules."""


def no_watch(done: int, total: int | None) -> None:
    """Ignore the progress."""


class ImportResult(Struct, frozen=True):
    """The texts of scenario files with `count` rules: usually of one file. `notes` report what was not imported."""

    texts: Sequence[str]
    count: int
    notes: Sequence[str]

    @property
    def text(self) -> str:
        """The text, where there is one file."""
        (text,) = self.texts
        return text


def import_recordings(
    file: ImportFile,
    reader: RequestParser,
    *,
    request: ImportFile | None = None,
    path: str | None = None,
    watch: ImportWatch = no_watch,
) -> ImportResult:
    """Import a file. `request` and `path` supply the request for a file that contains only a response, or a batch's
    responses; `watch` receives the progress. Raises NotImported."""
    if request is not None and json_lines_log.is_batch(file.raw):
        return _scenario(json_lines_log.interactions(file, path, request), file, reader, watch)
    if request is not None:
        if path is None:
            raise NotImported("--request: also use --path with its path, such as /v1/chat/completions")
        parse = (
            raw_responses.curl_response if raw_responses.is_capture(file.raw) else raw_responses.body_response
        )
        response = parse(file)
        interactions = [Interaction(raw_responses.request(request, path), response, f"{file.name}:1:1")]
        return _scenario(interactions, file, reader, watch)
    if raw_responses.is_capture(file.raw):
        raise NotImported(f"{file.name}: output of curl contains no request: use --request R.json and --path")
    is_log = json_lines_log.is_format(file.raw)
    if file.name.endswith(".jsonl") or (is_log and len(file.raw.splitlines()) > 1):
        return _scenario(json_lines_log.interactions(file, path), file, reader, watch)
    data = _known_data(file)
    for kind in (vcr, har):
        if kind.is_format(data):
            return _scenario(kind.interactions(file), file, reader, watch)
    for mock in (aimock, wiremock):
        if mock.is_format(data):
            imported = mock.import_rules(file)
            text = rules_text(imported, f"Imported from {file.name}")
            return ImportResult([text], len(imported.rules), imported.notes)
    if raw_responses.is_exchange(data):
        return _scenario([raw_responses.exchange(file)], file, reader, watch)
    if is_log:
        return _scenario(json_lines_log.interactions(file, path), file, reader, watch)
    raise NotImported(f"{file.name}:1:1: expected {KINDS}; for a body alone, use --request and --path too")


def _known_data(file: ImportFile) -> Json:
    """Return the data of a file. Raises NotImported: with the first mistake, or, for a file of another kind, with the
    formats."""
    try:
        return file.data
    except NotImported:
        if PurePath(file.name).suffix.lower() in SUFFIXES:
            raise
        raise NotImported(f"{file.name}:1:1: expected {KINDS}") from None


def _scenario(
    read: Iterable[Interaction | str], file: ImportFile, reader: RequestParser, watch: ImportWatch
) -> ImportResult:
    """Return the scenario file of interactions, with notes on requests without a response or with a reserved path."""
    items = [_timed(item) for item in _watched(read, None, watch)]
    interactions = [item for item in items if isinstance(item, Interaction)]
    unanswered = [item for item in items if isinstance(item, str)]
    if not interactions:
        raise NotImported("\n".join([f"{file.name}: it contains no request with a response", *unanswered]))
    for item in interactions:
        if not item.response.is_valid:
            raise NotImported(f"{item.where}: {item.response.status} is not the status of a response")
    watched = _watched(interactions, len(interactions), watch)
    files = scenario(watched, f"Imported from {file.name}", reader)
    if not files.texts:
        raise NotImported("\n".join([*unanswered, *files.notes]))
    reserved = [
        f"{item.where}: this server reserves {item.request.path}, so no client can use this path"
        for item in interactions
        if own_path(item.request.path)
    ]
    return ImportResult(files.texts, files.imported, [*unanswered, *files.notes, *reserved])


def _timed(item: Interaction | str) -> Interaction | str:
    """Return an interaction. One with a longer time than a scenario may have loses all times, and gets a note."""
    if isinstance(item, str):
        return item
    frames, messages = item.response.frames, item.response.messages
    times = [*(each.at for each in frames), *(each.at for each in messages or ())]
    if max(times, default=0.0) <= MAX_DURATION:
        return item
    timeless = replace(
        item.response,
        frames=tuple(each._replace(at=0.0) for each in frames),
        messages=None if messages is None else tuple(each._replace(at=0.0) for each in messages),
    )
    note = f"{item.where}: the response took more than a year; it is replayed without times"
    return replace(item, response=timeless, notes=(*item.notes, note))


def _watched(items: Iterable[T], total: int | None, watch: ImportWatch) -> Iterator[T]:
    for number, item in enumerate(items, 1):
        yield item
        watch(number, total)
