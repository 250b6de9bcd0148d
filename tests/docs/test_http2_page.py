"""docs/http2.md: its commands print what it says, and its tables have what the server does."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mockllm.core.faults import FAULTS
from mockllm.server.http2.flood_guard import BURST, OTHERS_PER_SECOND, RESETS_PER_SECOND
from mockllm.server.http2.h2_library import MAX_STREAMS
from tests.docs.page_runner import PageRunner

TEXT = (Path(__file__).parents[2] / "docs" / "http2.md").read_text(encoding="utf-8")


def curl_lacks_http2() -> bool:
    curl = shutil.which("curl")
    if curl is None:
        return True
    return (
        "HTTP2" not in subprocess.run([curl, "--version"], capture_output=True, text=True, check=True).stdout
    )


@pytest.mark.skipif(curl_lacks_http2(), reason="no curl with HTTP/2")
def test_commands_of_page_print_what_it_says(tmp_path: Path) -> None:
    page = PageRunner("http2.md", tmp_path)
    page.run()
    assert len(page.commands) == 3
    assert page.failed == []


def test_faults_of_page_exist() -> None:
    table = TEXT.partition("## What faults do")[2].partition("\n## ")[0]
    names = [name for row in re.findall(r"(?m)^\| (`.*?) \|", table) for name in re.findall(r"`(\w+)`", row)]
    assert len(names) == 13
    assert set(names) <= set(FAULTS)


@pytest.mark.parametrize("number", [MAX_STREAMS, BURST, RESETS_PER_SECOND, OTHERS_PER_SECOND])
def test_bounds_of_page_are_those_of_the_server(number: int) -> None:
    assert f" {number:,} " in TEXT.partition("## Bounds")[2]
