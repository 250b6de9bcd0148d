"""docs/kubernetes.md: its values fit the chart, their scenarios pass `check`, and Helm renders them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from ruamel.yaml import YAML

from tests.deploy.helm_chart import CHART, ROOT, template
from tests.process import command

PAGE = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
VALUES: list[str] = re.findall(r"```yaml\n# values.yaml\n(.*?)```", PAGE, re.DOTALL)
DEFAULTS: dict[str, Any] = YAML(typ="safe").load(CHART / "values.yaml")


def test_page_has_values_for_each_task() -> None:
    assert len(VALUES) == len(re.findall("```yaml", PAGE)) == 8


@pytest.mark.parametrize("number", range(len(VALUES)))
def test_values_of_page_fit_schema(number: int, tmp_path: Path) -> None:
    values = YAML(typ="safe").load(VALUES[number])
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    jsonschema_rs.validator_for(schema).validate(values)
    files = values.get("scenarios", {}).get("files", {})
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    if files:
        done = command("check", "--strict", ".", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.full
@pytest.mark.parametrize("number", range(len(VALUES)))
def test_helm_renders_values_of_page(number: int, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(VALUES[number], encoding="utf-8")
    done = template("--values", str(file))
    assert done.returncode == 0, done.stderr


def test_values_that_page_names_exist() -> None:
    for path in re.findall(r"--set ([\w.]+)=", PAGE):
        value: Any = DEFAULTS
        for name in path.split("."):
            assert name in value, path
            value = value[name]
