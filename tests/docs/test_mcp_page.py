"""docs/mcp.md: its files have no mistake and their examples hold, and its table of errors is that of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockllm.dialects.mcp.errors import ROWS
from mockllm.scenario.language.examples import McpRequestSpec
from mockllm.scenario.language.match import McpMatch
from mockllm.scenario.language.mcp_reply import McpReplySpec, McpTaskSpec
from mockllm.scenario.language.mcp_server import McpOAuthSpec, McpServerSpec
from tests.cli.in_process import command

PAGE = Path(__file__).parents[2] / "docs" / "mcp.md"
TEXT = PAGE.read_text(encoding="utf-8")
FILES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("number", range(len(FILES)))
def test_example_of_mcp_page_holds(number: int, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(FILES[number], encoding="utf-8")
    checked = command("check", ".", "--strict", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    if "examples:" in FILES[number]:
        tested = command("test", ".", cwd=tmp_path)
        assert tested.returncode == 0, tested.stdout


def test_table_of_errors_is_that_of_the_code() -> None:
    rows = [f"| `{name}` | {row.status} | {row.code} | {row.message} |" for name, row in sorted(ROWS.items())]
    assert "\n".join(rows) in TEXT


@pytest.mark.parametrize(
    "model", [McpServerSpec, McpOAuthSpec, McpMatch, McpReplySpec, McpTaskSpec, McpRequestSpec]
)
def test_mcp_page_names_every_word(model: type) -> None:
    words = {field.alias or name for name, field in model.model_fields.items()}  # type: ignore[attr-defined]
    assert {word for word in words if f"`{word}`" not in TEXT and f"{word}:" not in TEXT} == set()
