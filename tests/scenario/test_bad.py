"""Every mistake has a file in `bad/` and, beside it, exactly what is said about it.

`NAME.yaml` or the folder `NAME/` is loaded; `NAME.expected` lists the mistakes in their order, then the
warnings (`warning: …`). Its lines that begin with `$` say what else is given: `$ --set n=1`, `$ --pack NAME`,
`$ env NAME=VALUE`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mockllm.dialects.registry import ALIASES, APIS, DIALECT_NAMES, GENERATING, GENERATING_PATHS, PROVIDERS
from mockllm.scenario import catalog_lint
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.scenario.manifest import ParamSettings
from mockllm.scenario.vocabulary import Vocabulary

BAD = Path(__file__).parent / "bad"
CASES = sorted(path.stem for path in BAD.glob("*.expected"))


def said_of(name: str, given: list[str]) -> list[str]:
    """What is said about one case, `given` the options and variables beside it."""
    options = [line.split(" ", 1) for line in given]
    settings = ParamSettings(
        sets=[value for word, value in options if word == "--set"],
        environment=dict(value.split("=", 1) for word, value in options if word == "env"),
    )
    packs = [value for word, value in options if word == "--pack"]
    scenarios = f"{name}.yaml" if os.path.exists(f"{name}.yaml") else name
    vocabulary = Vocabulary(PROVIDERS, DIALECT_NAMES, APIS, GENERATING_PATHS, GENERATING, ALIASES)
    gathered = load_scenarios(ScenarioSources([scenarios], packs, settings, vocabulary))
    return [
        *map(str, sorted(gathered.diagnostics)),
        *(f"warning: {each}" for each in catalog_lint.warnings(gathered)),
    ]


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_said_as_expected(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    monkeypatch.setattr("mockllm.scenario.pack_resolver._bundled_folder", lambda: BAD.parent / "shipped")
    lines = (BAD / f"{name}.expected").read_text(encoding="utf-8").splitlines()
    given = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    assert said_of(name, given) == [line for line in lines if not line.startswith("$ ")]


def test_every_file_has_its_expectation() -> None:
    here = {path.stem for path in BAD.iterdir() if path.suffix != ".expected"}
    assert here - set(CASES) == set()
    assert len(CASES) >= 40
