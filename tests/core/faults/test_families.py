"""Families of faults: each fault states its family, wherever its class is."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from mockllm.core import faults
from mockllm.core.faults import FAMILIES, FAULTS, FURTHER_MODULES, Family, base

FOLDER = Path(base.__file__).parent


def test_families_are_modules_in_the_order_of_the_docs() -> None:
    names = tuple(module.__name__.rpartition(".")[2] for module in FAMILIES)
    assert names == get_args(Family), "FAMILIES has the module of each Family of base.py, in its order"


def test_fault_states_a_family_that_exists() -> None:
    unknown = {name: kind.family for name, kind in FAULTS.items() if kind.family not in get_args(Family)}
    assert unknown == {}, f"state one of {', '.join(get_args(Family))}: @fault(name, family)"


def test_family_may_have_several_files() -> None:
    files = {kind.__module__.rpartition(".")[2] for kind in FAULTS.values() if kind.family == "meaning"}
    assert {"meaning", "meaning_tool_calls", "meaning_usage"} <= files


def test_file_with_faults_is_imported() -> None:
    imported = {module.__name__.rpartition(".")[2] for module in (*FAMILIES, *FURTHER_MODULES)}
    with_faults = {
        file.stem for file in FOLDER.glob("*.py") if "\n@fault(" in file.read_text(encoding="utf-8")
    }
    assert with_faults - imported == set(), (
        f"import them in {faults.__file__}, and add them to FURTHER_MODULES"
    )
