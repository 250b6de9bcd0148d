"""`serve --until-stdin-closes`: the server ends with its parent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.waiting import PATIENCE


def test_server_stops_when_its_input_closes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mockllm", "serve", "--port", "0", "--scenarios", str(tmp_path)]
    with subprocess.Popen(
        [*command, "--until-stdin-closes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert "listening on" in process.stdout.readline()
        process.stdin.write("ignored\n")
        process.stdin.flush()
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
