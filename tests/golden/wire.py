"""Golden files: wire bytes in files that are readable in a diff. `MOCKLLM_UPDATE_GOLDEN=1` rewrites them;
read the diff before a commit.
"""

from __future__ import annotations

import os
from pathlib import Path

from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import Plan

HERE = Path(__file__).parent


def wire(plan: Plan) -> bytes:
    """Return status, headers, an empty line, and the body."""
    lines = [str(plan.head.status), *(f"{name}: {value}" for name, value in plan.head.headers), "", ""]
    return "\n".join(lines).encode() + sent_bytes(plan)


def assert_golden(name: str, plan: Plan) -> None:
    """Assert that the plan equals the content of the file `name` below this folder."""
    assert_golden_bytes(name, wire(plan))


def assert_golden_bytes(name: str, content: bytes) -> None:
    """Assert that the bytes equal the content of the file `name` below this folder."""
    file = HERE / name
    if os.environ.get("MOCKLLM_UPDATE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    expected = file.read_bytes() if file.exists() else None
    assert content == expected, f"MOCKLLM_UPDATE_GOLDEN=1 writes {file}; read the diff"
