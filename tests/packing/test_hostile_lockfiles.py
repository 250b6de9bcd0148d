"""Hostile lockfiles: each is refused with a message that says why, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packing.pack_files import all_files, run, write


@pytest.mark.parametrize(
    ("lock", "message"),
    [
        ("lock: 1\npacks: {../../evil: {version: '1', source: x, sha256: 'X'}}", "packs"),
        ("lock: 1\npacks: {x: {version: ../../1, source: x, sha256: 'X'}}", "version"),
        ("lock: 1\npacks: {x: {version: '1', source: x, sha256: short}}", "sha256"),
        (
            "lock: 1\npacks: {x: {version: '1', source: 'ext::sh -c evil', sha256: 'X'}}",
            "would let git run a command",
        ),
        ("lock: 1\npacks: {x: {version: '1', source: '-u evil', sha256: 'X'}}", "is not a source of a pack"),
        (
            "lock: 1\npacks: {x: {version: '1', source: 'fd::17', sha256: 'X'}}",
            'mockllm: x 1: "fd::17" would let',
        ),
        (f"lock: 1\npacks: {{x: {{version: '1', source: {'y' * 5000}, sha256: 'X'}}}}", "File name too long"),
        ("lock: 2\n", "mockllm.lock:1:7: lock: "),
        ("<<<<<<< HEAD\nlock: 1\n", "mockllm.lock:"),
    ],
    ids=[
        "a name as a path",
        "a version as a path",
        "no digest",
        "a command",
        "an option",
        "a transport",
        "a long name",
        "a later form",
        "a conflict",
    ],
)
def test_hostile_lockfile_is_refused(
    lock: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"mockllm.lock": lock.replace("X", "0" * 64), "scenarios/a.yaml": "use: [x]\n"})
    assert run("check") in (1, 2)
    output = capfd.readouterr()
    assert message in output.out + output.err
    assert all_files(tmp_path) == {"mockllm.lock", "scenarios/a.yaml"}
