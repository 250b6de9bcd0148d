"""From a file of another tool to a scenario file: which kind of file it is, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from mockllm.recordings import aimock, har, raw_responses, request_log, vcr, wiremock
from mockllm.recordings.hosts import own_path
from mockllm.recordings.import_file import ImportFile, NotImported
from mockllm.recordings.interaction import Interaction
from mockllm.recordings.rule_writer import written
from mockllm.recordings.scenario_writer import RequestParser, scenario

KINDS: Final = (
    "a VCR cassette (YAML or JSON), a HAR file, what `curl -i` wrote, fixtures of aimock, WireMock's mappings, a "
    "log of requests (a JSON object in each line), or an exchange ({request, response})"
)


class ImportResult(Struct, frozen=True):
    """A scenario file's text; `count` rules were made; `notes` tell what it does not hold."""

    text: str
    count: int
    notes: Sequence[str]


def import_recordings(
    file: ImportFile, reader: RequestParser, *, request: ImportFile | None = None, path: str | None = None
) -> ImportResult:
    """What a file comes to. `request` and `path` are of a file that holds an answer alone, or a batch's answers.
    Raises NotImported."""
    if request is not None and request_log.is_batch(file.raw):
        return _scenario(list(request_log.interactions(file, path, request)), file, reader)
    if request is not None:
        if path is None:
            raise NotImported(
                "--request: give the path that it was sent to, too: --path /v1/chat/completions"
            )
        answer = (
            raw_responses.captured(file)
            if raw_responses.is_capture(file.raw)
            else raw_responses.plain(file.raw)
        )
        made = [Interaction(raw_responses.request(request, path), answer, f"{file.name}:1:1")]
        return _scenario(made, file, reader)
    if raw_responses.is_capture(file.raw):
        raise NotImported(f"{file.name}: what curl wrote holds no request: give --request R.json and --path")
    if (request_log.is_format(file.raw) and len(file.raw.splitlines()) > 1) or file.name.endswith(".jsonl"):
        return _scenario(list(request_log.interactions(file, path)), file, reader)
    data = file.data
    for kind in (vcr, har):
        if kind.is_format(data):
            return _scenario(list(kind.interactions(file)), file, reader)
    for mock in (aimock, wiremock):
        if mock.is_format(data):
            taken = mock.import_rules(file)
            return ImportResult(written(taken, f"Imported from {file.name}"), len(taken.rules), taken.notes)
    if raw_responses.is_exchange(data):
        return _scenario([raw_responses.exchange(file)], file, reader)
    if request_log.is_format(file.raw):
        return _scenario(list(request_log.interactions(file, path)), file, reader)
    raise NotImported(f"{file.name}:1:1: expected {KINDS}; of a bare body, give --request and --path too")


def _scenario(found: Sequence[Interaction | str], file: ImportFile, reader: RequestParser) -> ImportResult:
    """Of what was found, and of notes on what was not answered."""
    interactions = [each for each in found if isinstance(each, Interaction)]
    unanswered = [each for each in found if isinstance(each, str)]
    if not interactions:
        raise NotImported("\n".join([f"{file.name}: it holds no answered request", *unanswered]))
    for each in interactions:
        if not each.response.told:
            raise NotImported(f"{each.where}: {each.response.status} is no status of an answer")
    text, notes = scenario(interactions, f"Imported from {file.name}", reader)
    return ImportResult(text, len(interactions), [*unanswered, *notes, *_kept_paths(interactions)])


def _kept_paths(interactions: Sequence[Interaction]) -> Iterator[str]:
    """What no client of this server can ask for, for it keeps the path for itself."""
    for each in interactions:
        if own_path(each.request.path):
            yield f"{each.where}: this server keeps {each.request.path} for itself, so no client can ask for it"
