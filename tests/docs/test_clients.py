"""Every block of docs/clients.md is run: the clients against a live server, the scenario by its own examples; what it
says of variables is what `mockllm exec` sets.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockllm.cli.main import main
from mockllm.dialects.providers import BY_NAME
from mockllm.dialects.vendors.vendor import Vendor
from mockllm.testing.environment import variables
from tests.compatible import VENDORS
from tests.js.running import HERE as JAVASCRIPT
from tests.js.running import missing
from tests.live import Live
from tests.live import live as serve
from tests.tools import absent
from tests.waiting import PATIENCE

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
NAMES = [
    re.findall(r"= (?:genai\.|boto3\.)?(\w+)\(", block)[0] + f" {number}"
    for number, block in enumerate(BLOCKS)
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("clients") / "hello.yaml"
    file.write_text("mockllm: 1\nrules: [{reply: Hello there.}]\n")
    with serve(file) as built:
        yield built


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
@pytest.mark.parametrize("block", BLOCKS, ids=NAMES)
def test_clients_page_python_block_gets_response(
    server: Live, block: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "http://localhost:8080" in block
    for package in ("boto3", "ollama"):
        if re.search(rf"^(import|from) {package}\b", block, re.MULTILINE):
            pytest.importorskip(package)
    names: dict[str, object] = {}
    exec(block.replace("http://localhost:8080", server.url), names)
    names["client"].close()  # type: ignore[attr-defined]
    output = capsys.readouterr().out.splitlines()
    assert output == ["Hello there."] * block.count("print(")


@pytest.mark.needs("curl")
def test_clients_page_curl_gets_response(server: Live) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert lines
    for line in (line.replace("http://localhost:8080", server.url) for line in lines):
        done = subprocess.run(["sh", "-c", f"{line} -sS"], capture_output=True, text=True, timeout=PATIENCE)
        assert '"Hello there."' in done.stdout, done.stderr


def test_clients_page_javascript_gets_responses(server: Live, tmp_path: Path) -> None:
    if lacks := missing():
        absent(f"the JavaScript SDKs need {lacks}")
    (block,) = re.findall(r"^```js\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "clients.mjs").write_text(block.replace("http://localhost:8080", server.url))
    (tmp_path / "node_modules").symlink_to(JAVASCRIPT / "node_modules")
    done = subprocess.run(
        ["node", "clients.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=6 * PATIENCE
    )
    assert done.stdout.splitlines() == ["Hello there."] * 6, done.stderr


def test_clients_page_variables_are_those_of_exec() -> None:
    documented = dict(re.findall(r"^\| `(\w+)=(\S+)`", PAGE, flags=re.MULTILINE))
    documented |= dict.fromkeys(re.findall(r"`(\w+_API_KEY)=any`", PAGE), "mockllm")
    documented |= dict.fromkeys(re.findall(r"`(AWS_BEARER_TOKEN_\w+)`", PAGE), "mockllm")
    built = variables("http://localhost:8080")
    assert documented == {name: built[name] for name in documented}
    assert built.keys() - documented.keys() == {
        "MOCKLLM_BASE_URL", "MOCKLLM_URL", "GOOGLE_API_KEY", "NO_PROXY", "no_proxy",
    }, "add a row `NAME_BASE_URL=…` of the table, or `NAME_API_KEY=any` below it"  # fmt: skip


def test_scenario_of_page_passes_its_examples(tmp_path: Path) -> None:
    texts = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert texts
    for number, yaml in enumerate(texts):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "clients.yaml").write_text(yaml)
        with pytest.raises(SystemExit) as ended:
            main(["test", str(folder)])
        assert ended.value.code == 0


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_every_vendor_is_named_with_its_base(vendor: Vendor) -> None:
    path = vendor.path("")
    assert f"`{path[1:]}`" in PAGE or (not BY_NAME[vendor.name].needs_prefix and vendor.bases[0] in PAGE)
