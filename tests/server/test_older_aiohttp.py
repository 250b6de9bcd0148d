"""The oldest aiohttp that `pyproject.toml` allows, with the tests of what the server uses of its parser."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
FILES: Final = (
    "test_aiohttp_internals", "test_client_messages", "test_divided_reads", "test_http_server", "test_not_http",
    "test_request_heads", "test_round_trip", "test_varying_request_heads", "test_websocket_handshake",
)  # fmt: skip


@pytest.mark.full
@pytest.mark.timeout(600)
def test_parser_tests_pass_with_oldest_aiohttp_of_range() -> None:
    found = re.search(r'"aiohttp>=([\d.]+),', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert found is not None
    files = [f"tests/server/{name}.py" for name in FILES]
    command = ["scripts/test-aiohttp", found[1], "-q", "-p", "no:xdist", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
