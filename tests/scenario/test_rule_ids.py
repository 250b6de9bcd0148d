"""The parts of the ids of rules and modifiers."""

from __future__ import annotations

import pytest

from mockllm.scenario.rule_ids import names_in, short_ids, split_id


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.yaml", "greeting"),
        ("a.yaml", "rules[2]"),
        ("a.yaml", "status: busy"),
        ("a.yml", "see b.yaml: busy"),
        ("a.yaml", "two\nlines: here"),
        ("team/pack/below/a.yaml", "status:busy"),
        ("12:30.yaml", "status: busy"),
        ("overlay", "status: busy"),
        ("overlay", "as a.yaml:busy"),
        ("session", "as a.yaml:busy"),
        ("test_it.py", "as a.yaml:busy"),
        ("openai", "models"),
        ("rules.txt", "status: busy"),
        ("", "no file"),
    ],
)
def test_id_is_split_after_its_file(file: str, name: str) -> None:
    assert split_id(f"{file}:{name}" if file else name) == (file, name)


def test_short_ids_have_the_whole_name() -> None:
    assert short_ids("team/x/a.yaml:status: busy") == ("team:status: busy", "team/x:status: busy")
    assert names_in("overlay:status: busy") == (
        "status: busy",
        "overlay:status: busy",
        "overlay:status: busy",
    )
