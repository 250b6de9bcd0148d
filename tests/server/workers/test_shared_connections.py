"""The connections of each address, in memory that workers share."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mockllm.server.workers.shared_connections import SETS, WAYS, SharedConnections
from mockllm.state.shared_counts import SharedCounts
from tests.process import serving
from tests.server.raw_client import Raw, request
from tests.server.workers.worker_processes import workers_of
from tests.waiting import until


@pytest.fixture
def workers() -> Iterator[list[SharedConnections]]:
    counts = SharedCounts()
    yield [SharedConnections(counts.fd, 2, index) for index in range(2)]
    counts.close()


def test_total_is_that_of_all_workers(workers: list[SharedConnections]) -> None:
    assert workers[0].total("10.0.0.1", 2) == 2
    assert workers[1].total("10.0.0.1", 3) == 5
    assert workers[1].total("10.0.0.2", 1) == 1
    assert workers[0].total("10.0.0.1", 0) == 3
    assert workers[1].total("10.0.0.1", 0) == 0


def test_connections_of_an_ended_worker_are_forgotten(workers: list[SharedConnections]) -> None:
    workers[0].total("10.0.0.1", 2)
    workers[1].total("10.0.0.1", 3)
    workers[1].clear(0)
    assert workers[1].total("10.0.0.1", 4) == 4


def test_address_without_a_place_is_counted_alone(workers: list[SharedConnections]) -> None:
    addresses = [str(number) for number in range(4 * SETS * WAYS)]
    for worker in workers:
        totals = [worker.total(address, 1) for address in addresses]
    assert set(totals) == {1, 2}
    assert totals.count(2) > SETS * WAYS * 0.9  # the places of each worker have gone to the same addresses
    for address in addresses:
        workers[0].total(address, 0)
    assert workers[0].total("new", 1) == 1
    assert workers[1].total("new", 1) == 1  # its own places are taken


MOST = 4


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc for the worker processes")
def test_limit_of_an_address_holds_over_all_workers(tmp_path: Path) -> None:
    """Connections of a killed worker make room."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text("rules: [{reply: Hello.}]")

    def open_all(stack: ExitStack) -> int:
        """Open connections until one is refused. Return how many were accepted."""
        accepted = 0
        while True:
            client = stack.enter_context(Raw(port))
            try:
                if client.send(request(path="/health")).answer().status == 503:
                    return accepted
            except ConnectionError:  # a refused connection may be reset
                return accepted
            accepted += 1

    with (
        serving(
            "--workers", "2", "--max-connections-per-address", str(MOST), cwd=tmp_path, PATH=""
        ) as server,
        ExitStack() as stack,
    ):
        port = server.port
        assert open_all(stack) == MOST
        for worker in workers_of(server):
            os.kill(worker, signal.SIGKILL)
        until(lambda: sum("takes its place" in line for line in list(server.err)) == 2)
        assert open_all(stack) == MOST
