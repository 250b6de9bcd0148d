"""docs/verdicts.md: its table is that of the verdicts, its scenario, its commands and its test do what they say."""

from __future__ import annotations

import argparse
import os
import re
from http.client import IncompleteRead
from pathlib import Path

import pytest

from mockllm.cli import exec as exec_command
from mockllm.cli import verdict as verdict_command
from mockllm.core.verdicts import VERDICTS
from mockllm.server.control.models.journal import VerdictQuery
from mockllm.testing.plugin import WORDS
from mockllm.testing.verdicts import Verdict
from tests.server.control.live_server import steered
from tests.testing.inner_runs import PLUGINS
from tests.waiting import until

pytest_plugins = ["pytester"]

FILE = Path(__file__).parents[2] / "docs/verdicts.md"
PAGE = FILE.read_text(encoding="utf-8")
BEGIN, END = "<!-- made from mockllm/core/verdicts/catalog.py -->\n", "<!-- end -->"
APPLICATION = """
import openai

def my_application(said):
    with openai.OpenAI() as client:
        asked = [{"role": "user", "content": said}]
        return client.chat.completions.create(model="gpt-4o", messages=asked).choices[0].message.content

"""


def table() -> str:
    rows = ["| verdict | | rule for clients | reported for |", "|---|---|---|---|"]
    for verdict in VERDICTS.values():
        mark = "good" if verdict.good else "bad"
        rows.append(f"| `{verdict.name}` | {mark} | {verdict.rule_with_source} | {verdict.needs} |")
    return "\n".join(rows) + "\n"


def test_table_of_page_lists_all_verdicts() -> None:
    """MOCKLLM_UPDATE_DOCS=1 writes it anew; look at the diff before it is committed."""
    before, _, rest = PAGE.partition(BEGIN)
    documented, _, behind = rest.partition(END)
    if os.environ.get("MOCKLLM_UPDATE_DOCS"):
        FILE.write_text(before + BEGIN + table() + END + behind, encoding="utf-8")
        documented = table()
    assert documented == table()


def test_other_pages_name_them() -> None:
    for page in ("control.md", "testing.md"):
        text = (FILE.parent / page).read_text(encoding="utf-8")
        assert "(verdicts.md)" in text, page
    assert "docs/verdicts.md" in (FILE.parents[1] / "README.md").read_text(encoding="utf-8")


def _options(arguments: object) -> set[str]:
    parser = argparse.ArgumentParser()
    arguments(parser)  # type: ignore[operator]
    return {option for action in parser._actions for option in action.option_strings}


def test_options_of_page_exist() -> None:
    own = _options(verdict_command.arguments)
    assert {"--fail-on", "--session", "--json", "--junit", "--running", "--client", "--since"} <= own
    for line in re.findall(r"^mockllm verdict(.*?)(?:#|$)", PAGE, re.MULTILINE):
        assert set(re.findall(r"--[a-z-]+", line)) <= own
    assert {"--verdicts", "--junit"} <= _options(exec_command.arguments)
    assert set(re.findall(r"--[a-z-]+", PAGE)) >= own - {"-h", "--help", "--url", "--admin-token"}
    assert "verdicts" in WORDS


def test_verdicts_page_query_is_valid() -> None:
    (query,) = re.findall(r"GET /api/verdicts\?(\S+)`", PAGE)
    assert {item.partition("=")[0] for item in query.split("&")} == set(VerdictQuery.model_fields)


@pytest.mark.parametrize("name", ["name", "good", "says", "rule_of_conduct", "client", "session", "requests"])
def test_verdicts_page_attributes_exist(name: str) -> None:
    assert f"`{name}`" in PAGE
    assert f"self.{name} = " in Path(verdict_source()).read_text(encoding="utf-8")


def verdict_source() -> str:
    import inspect

    return inspect.getsourcefile(Verdict) or ""


def test_verdicts_page_scenario_has_shown_output(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n# scenarios/rough.yaml\n(.*?)```", PAGE, re.DOTALL)
    with steered(tmp_path, {"rough.yaml": block}) as server:
        for _ in range(2):
            server.ask("weather")
        with pytest.raises(IncompleteRead):
            server.ask("a story", stream=True)
        until(lambda: len(server.app.journal) == 3)
        result = server.call("GET", "/api/verdicts?over=true").json["clients"][0]["verdicts"]
    assert [item["verdict"] for item in result] == ["retry_after_ignored", "recovered"]
    outputs = {item["verdict"]: item for item in result}
    text = outputs["retry_after_ignored"]["says"]
    assert re.sub(r"\d+ms", "4ms", text) in PAGE
    assert outputs["recovered"]["says"] in PAGE
    assert outputs["retry_after_ignored"]["rule_of_conduct"] in PAGE


@pytest.mark.full
def test_pytest_example_of_page_passes(pytester: pytest.Pytester) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    pytester.makepyfile(APPLICATION + block)
    options = ("-p", "no:cacheprovider", *PLUGINS)
    # A separate process: what an SDK loads late must not be loaded and forgotten in this one.
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=1)
