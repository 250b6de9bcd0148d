"""`pack update --major` raises a range in the user's file: that of the pack alone, where it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.packing.version_constraints import raise_range, version_constraints
from tests.packing.pack_files import write


def raised(folder: Path, text: str, *names: str) -> str:
    """The text of a scenario file after the ranges of these packs are raised to 2.0.0."""
    path = write(folder, {"a.yaml": text}) / "a.yaml"
    constraints = version_constraints([str(path)], (), str(folder / "mockllm.lock"))
    for name in names:
        assert all(raise_range(name, constraint, "2.0.0") for constraint in constraints[name])
    return path.read_bytes().decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("use: [team/base@^1.0, base@^1.0]\n", "use: [team/base@^1.0, base@^2.0.0]\n"),
        ("use: [my-base@^1.0, 'base@^1.0']\n", "use: [my-base@^1.0, 'base@^2.0.0']\n"),
        ("use: [base@^1.0.5, {pack: base@^1.0}]\n", "use: [base@^2.0.0, {pack: base@^2.0.0}]\n"),
        ("use: [base@^1.0]  # base@^1.0, not 2\n", "use: [base@^2.0.0]  # base@^1.0, not 2\n"),
        ("{x-a: base@^1.0, use: [base@^1.0]}\n", "{x-a: base@^1.0, use: [base@^2.0.0]}\n"),
    ],
)
def test_raised_range_is_that_of_the_pack(tmp_path: Path, before: str, after: str) -> None:
    assert raised(tmp_path, before, "base") == after


def test_ranges_of_packs_in_one_line_are_all_raised(tmp_path: Path) -> None:
    text = "use: ['low@>=1.0.0, <1.9.0', base@^1, low-base@^1]\n"
    names = ("low", "base", "low-base")
    assert raised(tmp_path, text, *names) == "use: ['low@^2.0.0', base@^2.0.0, low-base@^2.0.0]\n"


def test_range_that_is_written_otherwise_stays(tmp_path: Path) -> None:
    text = 'use: ["base@\\x5e1.0", team/base@^1.0]\n'
    path = write(tmp_path, {"a.yaml": text}) / "a.yaml"
    (constraint,) = version_constraints([str(path)], (), str(tmp_path / "mockllm.lock"))["base"]
    assert not raise_range("base", constraint, "2.0.0")
    assert path.read_text() == text


def test_raised_range_leaves_line_ends_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"use:\r\n  - base@^1\r\n")
    (constraint,) = version_constraints([str(path)], (), str(tmp_path / "mockllm.lock"))["base"]
    assert raise_range("base", constraint, "2.0.0")
    assert path.read_bytes() == b"use:\r\n  - base@^2.0.0\r\n"
