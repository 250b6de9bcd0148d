"""The files that a request adds to a vector store: alone, with the store, or as a batch.

Sources: `FileCreateParams` and `FileBatchCreateParams` of the openai package (the names and the bounds), and public
reports: the refusal of a file with another extension, and the two ends of a file that has no text. The message for an
empty file is inferred from that for a large one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple
from zlib import crc32

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.rendering.plan import BatchStart, Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects.openai.files.file_calls import missing_file
from mockllm.dialects.openai.validators import refuse
from mockllm.dialects.openai.vector_stores.checks import chunking_strategy
from mockllm.dialects.openai.vector_stores.objects import (
    FILE_ID,
    PROCESSING,
    STATUSES,
    TEXTS,
    activity,
    file_key,
    new_timeline,
    valid_attributes,
)
from mockllm.dialects.openai.vector_stores.store_request import VectorStoreRequest
from mockllm.dialects.stored_objects import completed

MAX_FILES: Final = 500
"""The most files of a store, and of a request that adds some: a bound of this server. A list that replicas share has
the newest 1,000, and counting the files takes about 2 ms."""
MAX_TEXT: Final = 1024 * 1024
"""The bytes of a file that searches read, and that its content has."""
MANY: Final = 100
LONG: Final = 4 * 1024 * 1024
"""The files of a request, and their bytes: to make more of them takes more than 5 ms."""
EXTENSIONS: Final = frozenset(
    (
        "c", "cpp", "cs", "css", "doc", "docx", "go", "html", "java", "js", "json", "md", "pdf", "php", "pptx",
        "py", "rb", "sh", "tex", "ts", "txt",
    )
)  # fmt: skip
"""OpenAI's guide to file search lists these types."""
UNSUPPORTED: Final = (
    "Files with extensions [{}] are not supported for retrieval. "
    "See https://platform.openai.com/docs/assistants/tools/file-search/supported-files"
)
EMPTY: Final = {
    "code": "invalid_file",
    "message": "The file could not be parsed because it is empty.",
}


class FileEntry(NamedTuple):
    """A file that a body names, with its members for the store."""

    id: str
    attributes: Json
    chunking_strategy: Json


class NewFile(NamedTuple):
    """A file that a store gets: its object in the state in which it ends, and what is stored but its timeline."""

    shown: dict[str, Json]
    stored: StoredObject
    text: StoredObject
    size: int


class FileAdditionRequest(VectorStoreRequest):
    """A request that may add files."""

    file_fields: tuple[str, ...]
    """The fields of the body with the ids of files, or in `files` with their members, too."""

    @cached_property
    def entries(self) -> list[FileEntry]:
        """The files that the body names, each once."""
        found = {entry.id: entry for entry in self._named()}
        return list(found.values())

    def _named(self) -> Iterator[FileEntry]:
        fields = self.fields
        for name in self.file_fields:
            value = fields.get(name)
            for each in (value if type(value) is list else [value])[:MAX_FILES]:
                own = fields if name != "files" else object_of(each)
                id = text_of(own.get("file_id") if name == "files" else each)
                if id is not None:
                    yield FileEntry(id, own.get("attributes"), own.get("chunking_strategy"))

    @cached_property
    def sources(self) -> list[StoredObject | None]:
        """The uploaded files of the entries; None for an id of none."""
        return [
            self.object_lookup.stored(entry.id) if FILE_ID.fullmatch(entry.id) else None
            for entry in self.entries
        ]

    @property
    def planning_takes_long(self) -> bool:
        """Whether a thread makes the new files. They do not follow from what other calls change meanwhile."""
        size = sum(len(source.request_body) for source in self.sources if source is not None)
        if self.store is not None:
            _ = self.contents  # the event loop looks them up
        return len(self.entries) > MANY or size > LONG

    def new_files(self, store: str) -> Sequence[NewFile]:
        """Return what a store with this id gets; storage finds what planning made."""
        if store not in self._new_files:
            pairs = zip(self.entries, self.sources, strict=True)
            self._new_files[store] = [
                new_file(self, store, entry, source) for entry, source in pairs if source is not None
            ]
        return self._new_files[store]

    @cached_property
    def _new_files(self) -> dict[str, Sequence[NewFile]]:
        return {}


def addition_failure(request: FileAdditionRequest, present: int = 0) -> Failure | None:
    """Return why a store with so many files cannot have those of the request."""
    for entry, source in zip(request.entries, request.sources, strict=True):
        if source is None:
            return missing_file(entry.id, "files")
        _, dot, extension = _file_name(source).rpartition(".")
        if not dot or extension.lower() not in EXTENSIONS:
            shown = f".{extension}" if dot else "none"
            return refuse(UNSUPPORTED.format(shown), "file_ids", "unsupported_file")
    if present + len(request.entries) > MAX_FILES:
        return refuse(f"A vector store may have {MAX_FILES} files.", "file_ids")
    return None


def new_file(request: Request, store: str, entry: FileEntry, source: StoredObject) -> NewFile:
    """Return a file of a store, with its text."""
    error = None if source.request_body else EMPTY
    strategy = chunking_strategy(entry.chunking_strategy)
    shown: dict[str, Json] = {
        "id": entry.id,
        "object": "vector_store.file",
        "usage_bytes": 0,
        "created_at": int(request.now),
        "vector_store_id": store,
        "status": "failed" if error else "completed",
        "last_error": error,
        "chunking_strategy": strategy,
        "attributes": valid_attributes(entry.attributes),
    }
    text, key = _text(source.request_body), file_key(store, entry.id)
    about = {"filename": _file_name(source), "chunking_strategy": strategy, "checksum": crc32(text)}
    stored = StoredObject(key, None, dumps(about), dumps(shown))
    return NewFile(shown, stored, StoredObject(f"{TEXTS}{key}", None, text, b""), len(source.request_body))


def added_objects(
    request: FileAdditionRequest, store: str, plan: Plan, batch: str | None = None, present: int = 0
) -> list[StoredObject]:
    """Return what is stored of the new files of a store: their objects and their texts, and that the store is used.
    Each object comes before its text. The state removes the oldest first, so what has an object has a text.
    `batch` is the key of their batch. The store has `present` files now: others may have come since the check."""
    found, began, lasts = (
        [activity(store, int(request.now))],
        request.monotonic + plan.delay,
        processing_time(plan),
    )
    for new in request.new_files(store)[: max(0, MAX_FILES - present)]:
        timeline = new_timeline(began, lasts, new.shown["status"], new.size)
        found += (new.stored._replace(previous=batch, timeline=timeline), new.text)
    return found


def added_file(
    request: Request, new: NewFile, sent: dict[str, Json], plan: Plan
) -> tuple[StoredObject, StoredObject]:
    """Return the object and the text of a new file. `sent` is the object in the response: one of a rule may have
    another end."""
    own = new.shown
    shown = completed({**own, **sent}, own)
    if shown["status"] not in STATUSES[1:]:
        shown = {**shown, "status": own["status"], "last_error": own["last_error"]}
    began = request.monotonic + plan.delay
    timeline = new_timeline(began, processing_time(plan), shown["status"], new.size)
    return new.stored._replace(response_body=dumps(shown), timeline=timeline), new.text


def processing_time(plan: Plan) -> float:
    """Return the seconds for which the files of a response are in progress."""
    start = plan.background
    if not isinstance(start, BatchStart):
        return PROCESSING
    waits = start.waits
    return (PROCESSING if waits.in_progress is None else waits.in_progress) * waits.slowdown


def with_processing(plan: Plan) -> Plan:
    """Return a response that begins the processing of files: the engine sets its pace."""
    return Plan(plan.head, plan.steps, background=BatchStart(plan))


def _file_name(source: StoredObject) -> str:
    return text_of(object_of(loads(source.response_body)).get("filename")) or ""


def _text(content: bytes) -> bytes:
    """Return the beginning of a file in UTF-8; nothing where the file is no text."""
    beginning = content[:MAX_TEXT]
    text = beginning.decode(errors="ignore").encode()
    cut = 3 if len(content) > MAX_TEXT else 0  # a character that the bound cuts
    return b"" if b"\0" in beginning or len(text) < len(beginning) - cut else text
