"""What the state stores of vector stores, and the objects that clients see of it at any time.

A store, each of its files, each batch of files and the time of its last use are stored under their own keys. So
requests that change one of them do not conflict. Stores, their contents and their batches are separate lists, since
a list that replicas share has the newest 1,000. A file's key ends with the id of the file, and `previous` is the key
of its batch. Its `request_body` has what else decides how searches find it: its name, its division and a checksum of
its text. The text has a further key: only searches read it. The states of a file are the events of a
timeline. The name of the last event is its end, the payload its used bytes.

Sources: `openai.types.VectorStore`, `VectorStoreFile` and `VectorStoreFileBatch` of the openai package. `description`
is in no type of a response; that responses have it is inferred.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import count_of, object_of, text_of
from mockllm.core.request.stored_objects import ListedObjects, ObjectLookup, StoredObject, Timeline

PREFIX: Final = "vs_"
BATCH_PREFIX: Final = "vsfb_"
FILES: Final = "/files/"
BATCHES: Final = "/file_batches/"
ACTIVITY: Final = "/activity"
CONTENTS: Final = "in/"
"""The beginning of the keys of a store's files and of its last use; the id of the store follows."""
BATCH_KEYS: Final = "store_batches/"
"""The beginning of the keys of a store's batches; the id of the store follows."""
TEXTS: Final = "text/"
"""The beginning of the key of a file's text; the key of its file follows."""
_ID: Final = "[A-Za-z0-9_-]{1,64}"
STORE_ID: Final = re.compile(PREFIX + _ID)
FILE_ID: Final = re.compile(f"file-{_ID}")
BATCH_ID: Final = re.compile(BATCH_PREFIX + _ID)
IN_PROGRESS: Final = "in_progress"
STATUSES: Final = (IN_PROGRESS, "completed", "failed", "cancelled")
PROCESSING: Final = 0.2
"""Seconds for which a file is in progress where no scenario sets a pace."""
DAY: Final = 24 * 3600
MAX_DAYS: Final = 365
"""The most days after which an unused store expires."""


class StoreContents:
    """The files and batches of a store by their keys, the oldest first, and the second of its last use."""

    def __init__(self, listed: Iterable[StoredObject]) -> None:
        self.files: dict[str, StoredObject] = {}
        self.batches: dict[str, StoredObject] = {}
        self.last_used = 0
        for each in listed:
            if FILES in each.id:
                self.files[each.id] = each
            elif BATCHES in each.id:
                self.batches[each.id] = each
            else:
                self.last_used = int(each.response_body)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the files and batches."""
        return (*self.files, *self.batches)

    def status(self, file: StoredObject, monotonic: float) -> str:
        """Return the state of a file as a read at this time finds it."""
        return file_status(file, self.batches.get(file.previous or ""), monotonic)

    def with_batch(self, batch: StoredObject) -> StoreContents:
        """Return the same with a batch in place of that with its key."""
        return StoreContents((*self.files.values(), *{**self.batches, batch.id: batch}.values()))

    def files_of(self, batch: str) -> list[StoredObject]:
        """Return the files of the batch with this key."""
        return [file for file in self.files.values() if file.previous == batch]

    def counts(self, files: Iterable[StoredObject], monotonic: float) -> dict[str, int]:
        """Return the number of files in each state, and of all."""
        counted = Counter(self._statuses(files, monotonic))
        return {**{status: counted[status] for status in STATUSES}, "total": counted.total()}

    def used_bytes(self, monotonic: float) -> int:
        """Return the bytes that the completed files take."""
        return sum(map(used_bytes, self.completed(monotonic)))

    def completed(self, monotonic: float) -> list[StoredObject]:
        """Return the files that are completed at this time, the oldest first."""
        files = self.files.values()
        statuses = self._statuses(files, monotonic)
        return [file for file, status in zip(files, statuses, strict=True) if status == "completed"]

    def _statuses(self, files: Iterable[StoredObject], monotonic: float) -> Iterator[str]:
        """Yield the state of each file, in a third of the time that `status` takes."""
        cancelled = {key for key, batch in self.batches.items() if _timeline(batch).cancelled is not None}
        for file in files:
            if file.previous in cancelled:
                yield self.status(file, monotonic)
                continue
            timeline = _timeline(file)
            lasts, end, _ = timeline.events[-1]
            yield IN_PROGRESS if timeline.elapsed(monotonic) < lasts else end


def contents_of(lookup: ObjectLookup, store: str) -> StoreContents:
    """Return what the store has."""
    files, batches = lookup.all_stored(f"{CONTENTS}{store}/"), lookup.all_stored(f"{BATCH_KEYS}{store}/")
    return StoreContents((*files, *batches))


def _by_store(listed: Sequence[StoredObject]) -> Mapping[str, Sequence[StoredObject]]:
    found: dict[str, list[StoredObject]] = {}
    for each in listed:
        _, store, _ = each.id.split("/", 2)
        found.setdefault(store, []).append(each)
    return found


def last_use(lookup: ObjectLookup, store: StoredObject) -> tuple[StoredObject, ...]:
    """Return the last use of a store that expires without one."""
    if not object_of(loads(store.response_body)).get("expires_after"):
        return ()
    used = lookup.stored(activity_key(store.id))
    return () if used is None else (used,)


def by_store(listed: Sequence[StoredObject]) -> Mapping[str, Sequence[StoredObject]]:
    """Return what each store has of a list of contents or batches."""
    return listed.derived(_by_store) if isinstance(listed, ListedObjects) else _by_store(listed)


def file_key(store: str, file: str) -> str:
    """Return the key of a file of a store."""
    return f"{CONTENTS}{store}{FILES}{file}"


def batch_key(store: str, batch: str) -> str:
    """Return the key of a batch of files."""
    return f"{BATCH_KEYS}{store}{BATCHES}{batch}"


def keys_of_file(lookup: ObjectLookup, file: str) -> list[str]:
    """Return the keys under which stores have an uploaded file, and those of its texts."""
    keys = [each.id for each in lookup.all_stored(CONTENTS) if each.id.endswith(FILES + file)]
    return [*keys, *map(TEXTS.__add__, keys)]


def file_status(file: StoredObject, batch: StoredObject | None, monotonic: float) -> str:
    """Return the state of a file: a batch that was cancelled before its end has cancelled it."""
    timeline = _timeline(file)
    lasts, end, _ = timeline.events[-1]
    cancelled = None if batch is None else _timeline(batch).cancelled
    if cancelled is not None and timeline.elapsed(cancelled) < lasts:
        return "cancelled"
    return IN_PROGRESS if timeline.elapsed(monotonic) < lasts else end


def new_timeline(began: float, lasts: float, end: str, used: int = 0) -> Timeline:
    """Return the timeline of a file or a batch that begins at a time of a monotonic clock."""
    return Timeline(began, ((0.0, IN_PROGRESS, b""), (lasts, end, str(used).encode())))


def _timeline(stored: StoredObject) -> Timeline:
    assert stored.timeline is not None, "files and batches of stores have a timeline"
    return stored.timeline


def used_bytes(file: StoredObject) -> int:
    """Return the bytes that a file takes when it is completed."""
    return int(_timeline(file).events[-1][2])


def id_of(stored: StoredObject) -> str:
    """Return the id of a store, a file or a batch as clients know it."""
    return stored.id.rpartition("/")[2]


def store_object(
    store: StoredObject, contents: StoreContents, now: float, monotonic: float
) -> dict[str, Json]:
    """Return a store as a read at this time finds it."""
    shown = object_of(loads(store.response_body))
    counts = contents.counts(contents.files.values(), monotonic)
    used, expires = _last_use_and_expiry(shown, contents)
    status = IN_PROGRESS if counts[IN_PROGRESS] else "completed"
    return {
        **shown,
        "usage_bytes": contents.used_bytes(monotonic),
        "file_counts": counts,
        "status": "expired" if _has_passed(expires, now) else status,
        "expires_at": expires,
        "last_active_at": used,
    }


def has_expired(store: StoredObject, contents: StoreContents, now: float) -> bool:
    """Return whether a store was not used for as long as it exists without a use."""
    return _has_passed(_last_use_and_expiry(object_of(loads(store.response_body)), contents)[1], now)


def _has_passed(expires: int | None, now: float) -> bool:
    return expires is not None and now >= expires


def _last_use_and_expiry(shown: Mapping[str, Json], contents: StoreContents) -> tuple[int, int | None]:
    """Return the seconds of a store's last use and of its expiry; None where it does not expire."""
    used: int = max(shown["last_active_at"], contents.last_used)
    days = count_of(object_of(shown.get("expires_after")).get("days"))
    return used, used + days * DAY if days is not None and 1 <= days <= MAX_DAYS else None


def new_store_object(fields: Mapping[str, Json], id: str, second: int) -> dict[str, Json]:
    """Return a store without files."""
    return {
        "id": id,
        "object": "vector_store",
        "created_at": second,
        "name": text_of(fields.get("name")) or "",
        "description": text_of(fields.get("description")),
        "usage_bytes": 0,
        "file_counts": {**dict.fromkeys(STATUSES, 0), "total": 0},
        "status": "completed",
        "expires_after": object_of(fields.get("expires_after")) or None,
        "expires_at": None,
        "last_active_at": second,
        "metadata": object_of(fields.get("metadata")),
    }


def file_object(file: StoredObject, status: str) -> dict[str, Json]:
    """Return a file of a store in this state."""
    shown = object_of(loads(file.response_body))
    return {
        **shown,
        "usage_bytes": used_bytes(file) if status == "completed" else 0,
        "status": status,
        "last_error": shown["last_error"] if status == "failed" else None,
    }


def batch_object(batch: StoredObject, contents: StoreContents, monotonic: float) -> dict[str, Json]:
    """Return a batch of files as a read at this time finds it."""
    counts = contents.counts(contents.files_of(batch.id), monotonic)
    status = IN_PROGRESS if counts[IN_PROGRESS] else "completed"
    if _timeline(batch).cancelled is not None:
        status = "cancelled"
    return {**object_of(loads(batch.response_body)), "status": status, "file_counts": counts}


def new_batch_object(id: str, store: str, second: int, total: int) -> dict[str, Json]:
    """Return a new batch of files."""
    return {
        "id": id,
        "object": "vector_store.files_batch",
        "created_at": second,
        "vector_store_id": store,
        "status": IN_PROGRESS,
        "file_counts": {**dict.fromkeys(STATUSES, 0), IN_PROGRESS: total, "total": total},
    }


def activity_key(store: str) -> str:
    """Return the key of the last use of a store."""
    return f"{CONTENTS}{store}{ACTIVITY}"


def activity(store: str, second: int) -> StoredObject:
    """Return what is stored of the last use of a store."""
    return StoredObject(activity_key(store), None, b"", str(second).encode())


def valid_attributes(value: Json) -> dict[str, Json]:
    """Return the attributes of a file whose values have a form."""
    members = object_of(value).items()
    return {name: each for name, each in members if type(each) in (str, bool, int, float)}


def with_members(stored: StoredObject, members: Mapping[str, Json]) -> StoredObject:
    """Return a store or a file with these members of its object."""
    return stored._replace(response_body=dumps({**object_of(loads(stored.response_body)), **members}))
