"""The start of a worker process."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import cast

import pytest

from mockllm.server.workers.worker_handle import start_worker
from mockllm.server.workers.worker_settings import WorkerSettings


def test_refused_process_leaves_no_open_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse)
    gc.collect()  # what other tests have left
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(OSError, match="unavailable"):
            asyncio.run(start_worker(0, 1, [], cast(WorkerSettings, {"counts": 0}), lambda _: {}))
        gc.collect()
    assert [warning for warning in caught if warning.category is ResourceWarning] == []
