"""A Node process under `mockllm exec --time-scale`: the official SDK's back-off and Node's own timers are scaled."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.js.running import missing
from tests.process import MOCKLLM, environment
from tests.tools import absent
from tests.waiting import PATIENCE

SCENARIO = """
rules:
  - sequence: [{error: {type: rate_limit, retry_after: 30s}}, "Hi"]
"""


def test_node_process_has_scaled_clocks(tmp_path: Path) -> None:
    if lacks := missing():
        absent(f"this test needs {lacks}")
    (tmp_path / "rules.yaml").write_text(SCENARIO)
    script = Path(__file__).with_name("application.mjs")
    done = subprocess.run(
        [*MOCKLLM, "exec", "--time-scale", "0.001", "--scenarios", str(tmp_path), "--", "node", str(script)],
        env=environment(), capture_output=True, encoding="utf-8", timeout=PATIENCE * 2,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    stated = json.loads(done.stdout)
    assert stated["text"] == "Hi"
    assert min(stated["backedOff"]) >= 30_000  # both of its clocks show the whole wait
    assert stated["slept"] >= 30_000
    assert stated["aborted"] is True
