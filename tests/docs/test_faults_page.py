"""docs/faults.md says what the vocabulary is, and every example in docs/faults holds."""

from __future__ import annotations

import os
import re
from pathlib import Path
from textwrap import dedent

import pytest

from mockllm.core.faults import FAULTS, ReplyFault, base
from mockllm.dialects.provider_facts import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.scenario import catalog_lint
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.testing.example_runner import Suite
from tests.docs.faults_page import DOCS, EXAMPLES, PAGE, page
from tests.docs.meaning_forms import FORMS
from tests.faults import expected
from tests.sdk.fault_outcomes import OUTCOMES

COMMAND = "MOCKLLM_UPDATE_DOCS=1 pytest tests/docs/test_faults_page.py"
KNOWN_NAMES = KnownNames(PROVIDERS, DIALECT_NAMES, APIS)


def test_faults_page_is_up_to_date() -> None:
    """The command of its message writes the page anew; look at the diff before it is committed."""
    missing = [name for name in FAULTS if not (EXAMPLES / f"{name}.yaml").exists()]
    assert missing == [], "the page has an example of each fault: write docs/faults/NAME.yaml first"
    unknown = [name for name, kind in FAULTS.items() if kind.family != "meaning" and name not in OUTCOMES]
    assert unknown == [], "the page has what SDKs make of each: add them to tests/sdk/fault_outcomes.py first"
    formless = [name for name, kind in FAULTS.items() if kind.family == "meaning" and name not in FORMS]
    assert formless == [], "the page has their form in each protocol: add tests/docs/meaning_forms.py first"
    if os.environ.get("MOCKLLM_UPDATE_DOCS"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), f"{COMMAND} writes the page anew"


def test_faults_page_and_schema_name_the_faults_that_come_first() -> None:
    reply_faults = {name: kind for name, kind in FAULTS.items() if issubclass(kind, ReplyFault)}
    first = {name for name, kind in reply_faults.items() if not kind.applies_after_supported_reply}
    (line,) = re.findall(r"^1\. (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall("`(.*?)`", line)) == first
    schema = (DOCS.parent / "schemas/scenario.schema.json").read_text(encoding="utf-8")
    (names,) = set(re.findall(r"all of them are applied\. (.*?) come\\nfirst", schema))
    assert set(re.findall("`(.*?)`", names)) == first
    outside = [name for name in reply_faults.keys() - first if FAULTS[name].family != "meaning"]
    assert outside == ["error_event"]


def test_every_fault_has_an_example() -> None:
    examples = {file.stem for file in EXAMPLES.glob("*.yaml")}
    assert sorted(examples ^ FAULTS.keys()) == [], "each fault has one example, docs/faults/NAME.yaml"


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
def test_faults_page_example_applies_its_fault(file: Path) -> None:
    wanted = ScenarioSources([str(file)], known_names=KNOWN_NAMES)
    suite = Suite(wanted)
    assert [str(mistake) for mistake in suite.diagnostics] == []
    assert catalog_lint.warnings(load_scenarios(wanted)) == []
    results = list(suite.run(""))
    assert results
    assert [(result.name, result.failed) for result in results if not result.passed] == []
    text = file.read_text(encoding="utf-8")
    assert f"faults: [{file.stem}]}}" in text, f"an example expects faults: [{file.stem}]"
    assert re.search(rf"model: {file.stem}\b", text), f"the model of the example is called {file.stem}"


def test_other_pages_name_every_fault() -> None:
    language = (DOCS / "language.md").read_text(encoding="utf-8")
    assert [name for name in FAULTS if f"`{name}`" not in language] == [], "name them in docs/language.md"


def test_adding_a_fault_page_quotes_the_code() -> None:
    """The classes and the rows in docs/adding-a-fault.md are in the code, word for word."""
    text = (DOCS / "adding-a-fault.md").read_text(encoding="utf-8")
    blocks = [dedent(block) for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]
    outputs = [part.strip() for block in blocks for part in re.split(r"\n\n(?=\S)", block)]
    assert [part.partition("(")[0] for part in outputs] == [
        "@fault",
        "@fault",
        "def truncated",
        '"truncate": Fault',
        "def duplicate",
        '"duplicate": Fault',
    ]
    files = [*Path(base.__file__).parent.glob("*.py"), Path(expected.__file__)]
    code = "".join(file.read_text(encoding="utf-8") for file in files)
    assert [part for part in outputs if part not in code] == []
