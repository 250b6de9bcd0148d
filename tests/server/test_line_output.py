"""Lines of a server whose output is not read, or is read late."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, TextIO

import pytest

from mockllm.server import line_output
from mockllm.server.line_output import LineQueue, write_line
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot tell whether a pipe has room")

LINES: Final = [f"line {number} " + "x" * 100 for number in range(2_000)]
"""More than a pipe has room for."""


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        yield reading, stream
        with suppress(OSError):
            os.close(reading)
        queue = line_output._QUEUES[stream]
        assert isinstance(queue, LineQueue)
        queue.wait_for_end()


def written(lines: list[str], stream: TextIO) -> bool:
    """Write lines in a thread. Return whether it ends."""

    def write() -> None:
        for line in lines:
            write_line(line, stream)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return not thread.is_alive()


def read_until(end: str, reading: int) -> list[str]:
    """Read to the line that ends with these characters."""
    text = b""
    while not text.endswith(f"{end}\n".encode()):
        text += os.read(reading, 65_536)
    return text.decode().splitlines()


def test_unread_lines_wait(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    assert written(LINES, stream)
    assert written(["last"], stream)
    assert read_until("last", reading) == [*LINES, "last"]


def test_lines_beyond_the_bound_are_counted(
    pipe: tuple[int, TextIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_output, "MAX_WAITING_BYTES", 10_000)
    reading, stream = pipe
    assert written(LINES, stream)
    queue = line_output._QUEUES[stream]
    assert isinstance(queue, LineQueue)
    assert os.read(reading, 65_536)
    until(lambda: queue._bytes < 10_000 - 1_000)
    write_line("last", stream)
    *_, note, last = read_until("last", reading)
    assert note.endswith(" lines were left out: the output was not read)")
    assert last == "last"


def test_long_line_is_written_whole(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    long = "é" * 200_000
    assert written([long, "last"], stream)
    assert read_until("last", reading) == [long, "last"]


def test_end_waits_for_lines_that_wait(pipe: tuple[int, TextIO], monkeypatch: pytest.MonkeyPatch) -> None:
    reading, stream = pipe
    assert written(LINES, stream)
    queue = line_output._QUEUES[stream]
    assert isinstance(queue, LineQueue)
    read = threading.Thread(target=read_until, args=(LINES[-1], reading))
    read.start()
    monkeypatch.setattr(line_output, "MAX_EXIT_WAIT", PATIENCE)
    line_output.wait_for_lines()
    assert not queue._waiting
    read.join()


def test_lines_after_the_reader_has_left_are_discarded(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    assert written(LINES, stream)
    os.close(reading)

    def is_discarded() -> bool:
        write_line("", stream)
        return os.path.sameopenfile(stream.fileno(), null)

    null = os.open(os.devnull, os.O_WRONLY)
    until(is_discarded)
    os.close(null)


def test_null_device_has_no_queue() -> None:
    with open(os.devnull, "w", encoding="utf-8") as null:
        write_line("a", null)
        assert line_output._QUEUES[null] is None
