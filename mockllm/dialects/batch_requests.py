"""Requests for batches and for the files of their responses, and the sizes of these files.

To read a batch of 50,000 lines and to write its file takes half a second. A thread does it, and a list remembers the
sizes of files.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from propcache.api import cached_property

from mockllm.core.request.stored_batches import with_read
from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects.stored_objects import ObjectRequest

MAX_SIZES: Final = 256
"""The files whose sizes the server remembers."""
LONG: Final = 512 * 1024
"""Bytes of batches, or of their input: to read or write more of them takes more than 5 ms."""


class OutputSize(NamedTuple):
    """The bytes and the lines of a file."""

    bytes: int
    lines: int


_sizes: Final[OrderedDict[tuple[str, int, int, float | None], OutputSize]] = OrderedDict()


def output_size(batch: StoredObject, file: str, write: Callable[[], bytes | None]) -> OutputSize:
    """Return the size of an output file of a batch that has ended, which `write` writes. It is remembered."""
    cancelled = None if batch.timeline is None else batch.timeline.cancelled
    key = (file, hash(batch.request_body), hash(batch.response_body), cancelled)
    size = _sizes.get(key)
    if size is None:
        content = write() or b""
        size = OutputSize(len(content), content.count(b"\n"))
        while len(_sizes) >= MAX_SIZES:
            _sizes.popitem(last=False)  # one call: a thread writes files, too
        _sizes[key] = size
    return size


class OutputFilesRequest(ObjectRequest):
    """A request for a file, or for the list of files, which may be the output of batches.

    The event loop looks these up, so that a thread can write the files. A call that deletes a file writes none.
    """

    @cached_property
    def stored(self) -> StoredObject | None:
        """The file that the path names: with its content, except where the call deletes it."""
        named = self.look_up()
        if named is None or named.previous is None:
            return named
        batch = self.batches[named.previous]
        if batch is None:
            return None
        if self.method == "DELETE":
            return named if self.has_output(batch, named.id) else None
        return self.with_output(named, batch)

    def has_output(self, batch: StoredObject, id: str) -> bool:
        """Return whether a file with this id is an output of the batch now."""
        raise NotImplementedError  # pragma: no cover - abstract

    def with_output(self, file: StoredObject, batch: StoredObject) -> StoredObject | None:
        """Return an output file of the batch with its content; None where the batch has no such file now."""
        raise NotImplementedError  # pragma: no cover - abstract

    @cached_property
    def listed(self) -> Sequence[StoredObject]:
        """The files, the oldest first: all, or the one that the path names."""
        if self.path_variable not in self.path_variables:
            return self.object_lookup.all_stored(self.id_prefix)
        named = self.look_up()
        return () if named is None else (named,)

    @cached_property
    def batches(self) -> dict[str, StoredObject | None]:
        """The batches by their ids whose output is among these files."""
        names = dict.fromkeys(file.previous for file in self.listed if file.previous is not None)
        return {name: self.object_lookup.stored(name) for name in names}

    @property
    def planning_takes_long(self) -> bool:
        """Whether a thread responds: not where a call deletes the file, which other calls may do meanwhile."""
        return self.method == "GET" and are_long(self.batches.values())


class StoredBatchesRequest(ObjectRequest):
    """A request for a batch, or for the list of batches."""

    api = "stored_batches"

    @cached_property
    def listed(self) -> Sequence[StoredObject]:
        """The batches, the oldest first."""
        return self.object_lookup.all_stored(self.id_prefix)

    @property
    def planning_takes_long(self) -> bool:
        """Whether a thread responds: not where a call changes the batch, which other calls may do meanwhile."""
        if self.method != "GET":
            return False
        if self.path_variable not in self.path_variables:
            return are_long(self.listed)
        return self.stored is not None and with_read(self.stored) is None and are_long((self.stored,))


def are_long(batches: Iterable[StoredObject | None]) -> bool:
    """Return whether it takes long to read these batches, and to write their files."""
    found = {batch.id: batch for batch in batches if batch is not None}
    return sum(len(each.request_body) + len(each.response_body) for each in found.values()) > LONG
