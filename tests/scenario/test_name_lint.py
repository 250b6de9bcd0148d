"""Warnings about names in examples and matches that no entry has."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.engine.known_names import KNOWN_NAMES
from mockllm.scenario import catalog_lint
from mockllm.scenario.loader import ScenarioSources, load_scenarios

RULES = """\
use: [./p]
rules:
- {name: first, match: {user: a}, reply: x}
- {match: {user: b}, reply: y}
modifiers: [{name: slow, match: {model: m}, delay: 1s}]
mcp: [{name: files, tools: [{name: read}, write], prompts: [{name: greet}]}]
"""
PACK = {
    "p/pack.yaml": 'name: p\nversion: "1"\nparams: {on: {type: boolean, default: false}}\n',
    "p/b.yaml": "rules:\n- {name: packed, enabled: {on: true}, match: {user: x}, reply: b}\n",
}


def warnings_of(folder: Path, more: str) -> list[str]:
    """Return the warnings, each as `line:column path: message`."""
    for name, text in {"a.yaml": f"{RULES}{more}\n", **PACK}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    scenarios = load_scenarios(ScenarioSources([str(folder)], known_names=KNOWN_NAMES))
    return [
        f"{each.line}:{each.column} {each.path}: {each.message}" for each in catalog_lint.warnings(scenarios)
    ]


@pytest.mark.parametrize(
    ("expect", "place", "message"),
    [
        ("rule: frist", "rule", 'no rule is called "frist"; did you mean "first"?'),
        ("rule: 'firs*'", "rule", 'no rule is called "firs*"; did you mean "first"?'),
        ("rule: {equals: nosuch}", "rule", 'no rule is called "nosuch"; expected '),
        ("modifier: slwo", "modifier", 'no modifier is called "slwo"; did you mean "slow"?'),
        ("modifier: [slow, slwo]", "modifier", 'no modifier is called "slwo"; did you mean "slow"?'),
    ],
)
def test_unknown_name_in_example_is_warned(expect: str, place: str, message: str, tmp_path: Path) -> None:
    (found,) = warnings_of(tmp_path, f"examples:\n- {{request: {{user: a}}, expect: {{{expect}}}}}")
    assert found.startswith(f"8:{35 + len(place)} examples[0].expect.{place}: {message}")
    (step,) = warnings_of(
        tmp_path, f"examples:\n- steps:\n  - {{request: {{user: a}}, expect: {{{expect}}}}}"
    )
    assert f"examples[0].steps[0].expect.{place}: {message}" in step


@pytest.mark.parametrize(
    "expect",
    [
        "rule: first", "rule: a.yaml:first", "rule: 'rules[1]'", "rule: packed", "rule: p:packed",
        "rule: p/b.yaml:packed", "rule: slow", "rule: files", "rule: null", "rule: {contains: zzz}",
        "rule: openai:models", "rule: models", "modifier: slow", "modifier: 'sl*'", "modifier: null",
        "modifier: 'x*'", "rule: {glob: 'first*'}", "rule: [{glob: 'x*'}, first]",
    ],
)  # fmt: skip
def test_known_name_in_example_has_no_warning(expect: str, tmp_path: Path) -> None:
    assert warnings_of(tmp_path, f"examples: [{{request: {{user: a}}, expect: {{{expect}}}}}]") == []


def test_example_beside_a_broken_file_has_no_warning(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("rules: [{name: other, reply: [}]", encoding="utf-8")
    assert warnings_of(tmp_path, "examples: [{request: {user: a}, expect: {rule: other}}]") == []


@pytest.mark.parametrize(
    ("match", "place", "message"),
    [
        ("mcp: {server: file}", "mcp.server", 'no server is called "file"; did you mean "files"?'),
        ("mcp: {server: files, tool: raed}", "mcp.tool", 'files has no tool "raed"; did you mean "read"?'),
        ("mcp: {tool: [read, wirte]}", "mcp.tool", 'files has no tool "wirte"; did you mean "write"?'),
        (
            "mcp: {server: files, prompt: gret}",
            "mcp.prompt",
            'files has no prompt "gret"; did you mean "greet"?',
        ),
        ("any: [{mcp: {tool: raed}}]", "any[0].mcp.tool", 'files has no tool "raed"; did you mean "read"?'),
        ("not: {mcp: {tool: raed}}", "not.mcp.tool", 'files has no tool "raed"; did you mean "read"?'),
    ],
)
def test_misspelt_name_of_mcp_is_warned(match: str, place: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(f"rules: [{{match: {{{match}}}, reply: x}}]", encoding="utf-8")
    (found,) = warnings_of(tmp_path, "")
    assert found.endswith(f" rules[0].match.{place}: {message}")


@pytest.mark.parametrize(
    "match",
    [
        "mcp: {server: files, tool: read}", "mcp: {server: files, tool: delete}", "mcp: {server: other, tool: raed}",
        "mcp: {server: 'fil*', tool: 'rea?'}", "mcp: {tool: {not: raed}}", "mcp: {prompt: greet}",
        "mcp: {method: tools/list}",
    ],
)  # fmt: skip
def test_other_name_of_mcp_has_no_warning(match: str, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(f"rules: [{{match: {{{match}}}, reply: x}}]", encoding="utf-8")
    assert warnings_of(tmp_path, "") == []
