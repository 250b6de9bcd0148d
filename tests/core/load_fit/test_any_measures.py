"""Results with any values in their fields: they are fitted to a scenario that loads, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockllm.core.load_fit.benchmark_run import UnreadableResult
from mockllm.core.load_fit.fitting import fit_batch
from mockllm.core.load_fit.result_files import read_result
from mockllm.core.load_fit.scenario_file import scenario_text
from tests.core.load_fit import results
from tests.core.load_fit.results import Served
from tests.examples import examples
from tests.language.virtual_server import diagnostics_of

Path = tuple[str | int, ...]
FORMS = [results.guidellm, results.aiperf, results.aiperf_records, results.vllm, results.vllm_detailed]
ALONE = [Served(2.0 * number, 0.1 + 0.1 * number, 0.05, 100 * (number + 1), 11) for number in range(4)]
TOGETHER = [Served(0.1 * number, 0.5, 0.08, 200, 11) for number in range(8)]
EDGES = [0, 0.0, -0.0, -1, 0.4, 1, 1.5, 1e-9, 5e-324, 1e15, 1e300, 1.7e308, 2**63, float("inf"), float("nan")]
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(EDGES),
    st.floats(),
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([None, True, "1", "ms", [], [0], [1e308, 1e308], {}]),
)


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """The places of all values that are neither objects nor lists."""
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(member, (*path, key))
    else:
        yield path


def replaced(documents: list[Any], changes: list[tuple[int, Any]]) -> bytes:
    """The lines of these documents, with other values in some places."""
    places = list(leaves(documents))
    for number, value in changes:
        *above, last = places[number % len(places)]
        parent: Any = documents
        for key in above:
            parent = parent[key]
        parent[last] = value
    return "\n".join(map(json.dumps, documents)).encode()


def fitted(*files: bytes) -> str | None:
    """The scenario of these results; None where they are refused."""
    try:
        runs = [run for raw in files for run in read_result(raw)]
        return scenario_text(fit_batch(runs), runs)
    except UnreadableResult:
        return None


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@settings(max_examples=examples(500), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1000), VALUES), max_size=12))
def test_any_values_fit_a_valid_scenario_or_are_refused(
    form: Callable[[list[Served], int], bytes], changes: list[tuple[int, Any]]
) -> None:
    documents = [json.loads(line) for line in form(ALONE, 1).splitlines()]
    for files in ([], [form(TOGETHER, 4)]):
        text = fitted(replaced(json.loads(json.dumps(documents)), changes), *files)
        assert text is None or diagnostics_of(text.replace("use: [vllm]\n", "")) == []


def test_results_without_changes_are_fitted() -> None:
    for form in FORMS:
        assert fitted(form(ALONE, 1), form(TOGETHER, 4)) is not None
