"""docs/adding-a-dialect.md: its code is the code, and the files and names in it exist."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from mockllm.core.failure import Failure
from mockllm.core.rendering.encoder import Encoder
from mockllm.dialects import dialect
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.engine.known_names import KNOWN_NAMES
from mockllm.scenario.loader import ScenarioSources, load_scenarios

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-dialect.md").read_text(encoding="utf-8")
BLOCKS = [dedent(block).strip() for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)]
CONTRACTS: dict[str, type] = {
    name: each
    for name, each in vars(dialect).items()
    if getattr(each, "_is_protocol", False) and each.__module__ == dialect.__name__
}
MEMBERS = {member for contract in CONTRACTS.values() for member in dir(contract)}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_code_block_is_in_the_code(block: str) -> None:
    files = (ROOT / "mockllm" / "dialects").rglob("*.py")
    lines = [line.strip() for line in block.splitlines()]
    texts = (file.read_text(encoding="utf-8") for file in files)
    stripped = ("\n".join(line.strip() for line in text.splitlines()) for text in texts)
    assert any("\n".join(lines) in text for text in stripped)


@pytest.mark.parametrize("name", CONTRACTS)
def test_table_of_contracts_names_every_member(name: str) -> None:
    """What a contract adds to the one that it extends. The row names no other members."""
    row = re.findall(rf"^\|[^|]*\| `{name}` \| (.*) \|$", PAGE, re.MULTILINE)[0]
    own = {member for member in vars(CONTRACTS[name]) if not member.startswith("_")}
    named = set(re.findall(r"`(\w+)`", row))
    assert own <= named
    assert named <= MEMBERS


@pytest.mark.parametrize(("name", "type"), [("failure", Failure), ("identity", ResponseIdentity)])
def test_page_names_members_that_exist(name: str, type: type) -> None:
    named = set(re.findall(rf"\b{name}\.([a-z_]+)", PAGE))
    assert named
    assert named <= set(dir(type))


def test_page_names_every_hook_of_encoder() -> None:
    hooks = {name for name in vars(Encoder) if not name.startswith("_")}
    assert [name for name in sorted(hooks) if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize("page", ["adding-a-dialect.md", "adding-a-fault.md", "architecture.md"])
def test_paths_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    paths = re.findall(r"`((?:mockllm|tests|docs|scripts)/[\w/.-]+)`", text)
    paths += [f"mockllm/{path}" for path in re.findall(r"`((?:core|dialects|engine|server)/[\w/.-]+)`", text)]
    assert paths
    assert [path for path in paths if "NAME" not in path and not (ROOT / path).exists()] == []


def test_scenario_has_no_mistake(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "a.yaml").write_text(block, encoding="utf-8")
    assert load_scenarios(ScenarioSources([str(tmp_path)], known_names=KNOWN_NAMES)).diagnostics == []
