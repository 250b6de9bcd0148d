"""Each file or folder in `bad/` has exactly the diagnostics of the `.expected` file beside it.

`NAME.yaml` or the folder `NAME/` is loaded; `NAME.expected` lists the errors in their order, then the
warnings (`warning: …`). Its lines that begin with `$` are further settings: `$ --set n=1`, `$ --pack NAME`,
`$ env NAME=VALUE`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mockllm.dialects.provider_facts import (
    ALIASES,
    APIS,
    DIALECT_NAMES,
    PROTOCOL_VERSIONS,
    PROVIDERS,
    REPLY_APIS,
    REPLY_PATHS,
)
from mockllm.scenario import catalog_lint
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from mockllm.scenario.manifest import ParamSettings

BAD = Path(__file__).parent / "bad"
CASES = sorted(path.stem for path in BAD.glob("*.expected"))


def diagnostics_of(name: str, option_lines: list[str]) -> list[str]:
    """Return the diagnostics of one case with these options and variables."""
    options = [line.split(" ", 1) for line in option_lines]
    settings = ParamSettings(
        sets=[value for key, value in options if key == "--set"],
        environment=dict(value.split("=", 1) for key, value in options if key == "env"),
    )
    packs = [value for key, value in options if key == "--pack"]
    scenarios = f"{name}.yaml" if os.path.exists(f"{name}.yaml") else name
    known_names = KnownNames(
        *(PROVIDERS, DIALECT_NAMES, APIS, REPLY_PATHS, REPLY_APIS, ALIASES),
        protocol_versions=PROTOCOL_VERSIONS,
    )
    loaded_scenarios = load_scenarios(ScenarioSources([scenarios], packs, settings, known_names))
    return [
        *map(str, sorted(loaded_scenarios.diagnostics)),
        *(f"warning: {each}" for each in catalog_lint.warnings(loaded_scenarios)),
    ]


@pytest.mark.parametrize("name", CASES)
def test_bad_file_has_expected_diagnostics(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    monkeypatch.setattr("mockllm.scenario.pack_resolver._bundled_folder", lambda: BAD.parent / "shipped")
    lines = (BAD / f"{name}.expected").read_text(encoding="utf-8").splitlines()
    option_lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    assert diagnostics_of(name, option_lines) == [line for line in lines if not line.startswith("$ ")]


def test_every_bad_file_has_expected_diagnostics() -> None:
    here = {path.stem for path in BAD.iterdir() if path.suffix != ".expected"}
    assert here - set(CASES) == set()
    assert len(CASES) >= 40
