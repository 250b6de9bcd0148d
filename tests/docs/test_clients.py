"""Every block of docs/clients.md is run: the Python against a live server, the scenario by its own examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockllm.cli.main import main
from mockllm.dialects.vendors import VENDORS
from mockllm.dialects.vendors.vendor import Vendor
from tests.live import Live
from tests.live import live as serve

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
NAMES = [re.findall(r"= (?:genai\.)?(\w+)\(", block)[0] + f" {number}" for number, block in enumerate(BLOCKS)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("clients") / "hello.yaml"
    file.write_text("mockllm: 1\nrules: [{reply: Hello there.}]\n")
    with serve(file) as made:
        yield made


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
@pytest.mark.parametrize("block", BLOCKS, ids=NAMES)
def test_a_client_is_answered(server: Live, block: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "http://localhost:8080" in block
    names: dict[str, object] = {}
    exec(block.replace("http://localhost:8080", server.url), names)
    names["client"].close()  # type: ignore[attr-defined]
    said = capsys.readouterr().out.splitlines()
    assert said == ["Hello there."] * block.count("print(")


def test_the_scenario_is_as_its_examples_say(tmp_path: Path) -> None:
    (yaml,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "clients.yaml").write_text(yaml)
    with pytest.raises(SystemExit) as ended:
        main(["test", str(tmp_path)])
    assert ended.value.code == 0


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_every_vendor_is_named_with_its_base(vendor: Vendor) -> None:
    path = vendor.path("")
    assert f"`{path[1:]}`" in PAGE or (vendor.open and vendor.bases[0] in PAGE)
