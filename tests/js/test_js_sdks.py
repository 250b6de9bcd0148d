"""The official JavaScript SDKs, and Vercel's `ai`, against a live server: each case of the scripts beside this file
is a test with the case's name. They need node and `npm ci`; without, these tests are skipped with the reason, or fail
where `CI=true` is set."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from mockllm.core.failure import NAMED
from tests.js.running import HERE, SCRIPTS, Outcome, Run, cases, missing, run_all
from tests.live import live as serve
from tests.tools import absent
from tests.waiting import until

LONGEST = 280.0
"""Seconds for all scripts on a machine that is busy with other things; a quiet one takes ten."""
pytestmark = pytest.mark.timeout(LONGEST + 20)


def marks(script: str, client: str) -> list[pytest.MarkDecorator]:
    """The first client of each script is always tested; what a framework makes of the SDKs seldom fails."""
    quick = client == SCRIPTS[script][0] and not script.startswith("vercel")
    return [] if quick else [pytest.mark.full]


RUNS = [
    pytest.param(script, client, id=f"{script} {client}".strip(), marks=marks(script, client))
    for script, clients in SCRIPTS.items()
    for client in clients
]
CASES = [
    pytest.param(
        script, client, case, id=f"{f'{script} {client}'.strip()}: {case}", marks=marks(script, client)
    )
    for script, clients in SCRIPTS.items()
    for client in clients
    for case in cases(script)
]


def wanted(items: Iterable[pytest.Item]) -> list[Run]:
    """The scripts and clients of the tests that are to run, as in the table."""
    requests = set()
    for item in items:
        called = getattr(item, "callspec", None)
        if item.path == Path(__file__) and called is not None:
            requests.add((called.params["script"], called.params["client"]))
    return [
        run
        for run in ((script, client) for script in SCRIPTS for client in SCRIPTS[script])
        if run in requests
    ]


@pytest.fixture(scope="session")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[Run, Outcome]:
    """How every script ended. They run once: of parallel workers the first that comes here runs them, and the
    others read what it found.
    """
    if lacks := missing():
        absent(f"the tests of the JavaScript SDKs need {lacks}")
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    result = shared / "javascript.json"
    try:
        (shared / "javascript").mkdir()
    except FileExistsError:
        until(result.exists, LONGEST, otherwise=lambda: "another worker runs the scripts")
    else:
        with serve(HERE / "scenarios") as server:
            ran = run_all(wanted(request.session.items), server.url)
        rows = [[*run, dict(outcome.cases), outcome.reported] for run, outcome in ran.items()]
        (shared / "javascript.new").write_text(json.dumps(rows), "utf-8")
        (shared / "javascript.new").rename(result)
    return {
        (script, client): Outcome(ended, text)
        for script, client, ended, text in json.loads(result.read_text("utf-8"))
    }


@pytest.mark.parametrize(("script", "client", "case"), CASES)
def test_case_of_script_passes(outcomes: Mapping[Run, Outcome], script: str, client: str, case: str) -> None:
    outcome = outcomes[script, client]
    why = outcome.cases.get(case, f"{script}.mjs did not come to this case")
    if why is not None:
        pytest.fail(f"{why}\n\n{outcome.reported}".strip(), pytrace=False)


@pytest.mark.parametrize(("script", "client"), RUNS)
def test_no_case_is_lost(outcomes: Mapping[Run, Outcome], script: str, client: str) -> None:
    """What ran is what is listed above: no case has a name that cannot be read from its script, none two."""
    assert sorted(outcomes[script, client].cases) == sorted(cases(script))


def test_every_script_is_run() -> None:
    assert {path.stem for path in HERE.glob("*.mjs")} - {"cases", "reporter"} == set(SCRIPTS)


def test_every_named_error_has_model() -> None:
    scenario = (HERE / "scenarios" / "trouble.yaml").read_text("utf-8")
    assert set(re.findall(r"match: \{model: (\w+)\}, error: \1\b", scenario)) == set(NAMED)


def test_package_lock_has_no_resolved_addresses() -> None:
    locked = json.loads((HERE / "package-lock.json").read_text("utf-8"))["packages"]
    assert [name for name, package in locked.items() if "resolved" in package] == []
