"""The benchmark of paced streams: it replaces the server's player, so a change of that can break it unseen."""

from __future__ import annotations

import pytest

from benchmarks import streams
from benchmarks.streams import PLAIN, WHOLE_VOCABULARY, Case, quantile, run

FEW = 21
"""Streams: three of each rule of the whole vocabulary."""


@pytest.mark.full
@pytest.mark.parametrize("case", [PLAIN, WHOLE_VOCABULARY], ids=["one rule", "the whole vocabulary"])
def test_each_stream_is_measured_at_server_and_client(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "STREAMS", FEW)
    at_server, at_client, cpu = run(case)
    assert len(at_server) == len(at_client) == FEW
    assert all(at_server)
    assert all(at_client)
    assert cpu > 0
    assert 0 <= quantile(at_server, 0.5) <= quantile(at_server, 1)
