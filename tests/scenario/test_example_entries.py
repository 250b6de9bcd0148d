"""Examples are typed one by one when a file is loaded, each error with its position."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import LoadedScenarios, ScenarioSources, load_scenarios

KNOWN_NAMES = KnownNames(("openai", "anthropic"), ("openai", "anthropic"), ("chat", "messages"))
PACK = 'name: mine\nversion: "1"\nparams: {count: {type: integer, default: 1}}\n'


def loaded(folder: Path, examples: str) -> LoadedScenarios:
    (folder / "mine").mkdir()
    (folder / "mine" / "pack.yaml").write_text(PACK)
    (folder / "a.yaml").write_text(f"use: [./mine]\nexamples:\n  - {examples}\n")
    return load_scenarios(ScenarioSources((str(folder),), known_names=KNOWN_NAMES))


def test_example_entry_has_file_line_and_name(tmp_path: Path) -> None:
    (first_item, two) = loaded(
        tmp_path, "{name: first, with: {count: 2}}\n  - {request: {user: '{{ x'}}"
    ).examples
    assert (first_item.name, first_item.file_and_line, first_item.number) == (
        "first",
        f"{tmp_path}/a.yaml:3",
        0,
    )
    assert (two.name, two.file_and_line, two.pack) == ("examples[1]", f"{tmp_path}/a.yaml:4", None)
    assert (first_item.spec.with_, two.spec.request.user) == ({"count": 2}, "{{ x")


MISTAKES = {
    "{request: {provider: opnai}}": (
        '3:26 .request.provider: no provider is called "opnai"; did you mean "openai"?'
    ),
    "{request: {provider: [openai, x]}}": (
        '3:26 .request.provider: no provider is called "x"; expected "anthropic" or "openai"'
    ),
    "{request: {provider: []}}": "3:26 .request.provider: write at least one provider",
    "{request: {api: chatt}}": '3:21 .request.api: no api is called "chatt"; did you mean "chat"?',
    "{request: {path: /x, user: y}}": (
        "3:15 .request: user is not allowed in a raw request: write it into the body, or leave out path"
    ),
    "{request: {messages: [], user: y}}": "3:15 .request: write messages or user, not both",
    "{request: {headers: {x: 7}}}": '3:29 .request.headers.x: expected a text, found the number 7; write "7"',
    "{expect: {rul: x}}": '3:15 .expect.rul: unknown key; did you mean "rule"?',
    "{expect: {took: 3}}": '3:21 .expect.took: 3 has no unit; write "300ms", "2s" or "1m"',
    '{expect: {status: "400"}}': (
        '3:23 .expect.status: expected a number, found the text "400"; write 400 without quotes'
    ),
    '{expect: {body: {"$.a[*]": 1}}}': (
        "3:21 .expect.body: $.a[*] can select several nodes; write how many must match: "
        "{some: …} or {each: …}"
    ),
    "{expect: {usage: {total: 1}}}": (
        '3:23 .expect.usage.total: unknown key; expected "input_tokens", "output_tokens", '
        '"cached_tokens", "cache_write_tokens" or "reasoning_tokens"'
    ),
    "{steps: [], expect: {}}": "3:13 .steps: expected a list that is not empty, found an empty list",
    "{steps: [{}], expect: {}}": "3:5 : write steps, or request and expect, not both",
    "{with: {cuont: 1}}": '3:13 .with.cuont: no pack in use has a parameter "cuont"; did you mean "count"?',
    "{with: {mine.count: x}}": '3:25 .with["mine.count"]: expected a whole number, found the text "x"',
    "7": "3:5 : expected a mapping, found the number 7",
}
"""What is wrong, and where: line and column, and the path below `examples[0]`."""


@pytest.mark.parametrize("example", MISTAKES)
def test_example_with_error_has_positioned_diagnostic(example: str, tmp_path: Path) -> None:
    result = loaded(tmp_path, example)
    (diagnostic,) = result.diagnostics
    place, _, message = str(diagnostic).removeprefix(f"{tmp_path}/a.yaml:").partition(": examples[0]")
    assert f"{place} {message}" == MISTAKES[example]
    assert result.examples == []
