"""The pytest plugin, in separate test runs: what passes, what fails, and the report; in parallel too."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from mockllm.testing import MockLLM
from tests.process import environment
from tests.testing.inner_runs import ASK, ONLY_OURS, PLUGINS, apart, run
from tests.waiting import PATIENCE

pytest_plugins = ["pytester"]
OUTER = """
import sys
from tests.testing.inner_runs import restored_modules, run_inside

def test_inner_run(pytester):
    pytester.makepyfile(beside="", test_inner="import beside, colorsys\\ndef test_it(): pass\\n")
    run_inside(pytester).assert_outcomes(passed=1)

def test_another():
    assert "colorsys" in sys.modules
    assert not {"beside", "test_inner"} & sys.modules.keys()
"""

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """All modules are loaded, so that test runs in this process do not each load some of their own."""
    with MockLLM(packs="default", scenarios=ROOT / "docs" / "faults" / "reset.yaml") as server:
        assert server.warnings == []
        assert not server.verdicts
        urllib.request.urlopen(f"{server.openai_url}/models", timeout=PATIENCE).close()


def test_every_test_has_separate_server(pytester: pytest.Pytester) -> None:
    tests = """
def test_one(mockllm):
    mockllm.reply("one")
    assert ask(mockllm.openai_url) == "one"

def test_other(mockllm):
    assert ask(mockllm.openai_url) == 404
    assert len(mockllm.requests) == 1
"""
    run(pytester, tests).assert_outcomes(passed=2)


def test_marker_sets_scenarios(pytester: pytest.Pytester) -> None:
    pytester.makefile(".yaml", hello="rules: [{match: {model: a}, reply: from the file}]")
    (pytester.mkdir("folder") / "more.yaml").write_text(
        "rules: [{match: {model: b}, reply: from the folder}]"
    )
    tests = """
pytestmark = pytest.mark.mockllm(pack="default")

@pytest.mark.mockllm(scenarios="hello.yaml", seed=3)
def test_a_file_and_the_modules_pack(mockllm):
    assert ask(mockllm.openai_url, "a") == "from the file"
    assert isinstance(ask(mockllm.openai_url, "other"), str)
    assert mockllm.seed == 3

@pytest.mark.mockllm(scenarios=["hello.yaml", "folder"], packs=[])
def test_several_without_the_pack(mockllm):
    assert [ask(mockllm.openai_url, model) for model in "abc"] == ["from the file", "from the folder", 404]

@pytest.mark.mockllm(packs="default,weather", params={"climate": "rate-limited"})
def test_params(mockllm):
    assert 429 in [ask(mockllm.openai_url) for _ in range(6)]
"""
    run(pytester, tests).assert_outcomes(passed=3)


def test_ini_file_sets_scenarios_for_all(pytester: pytest.Pytester) -> None:
    pytester.makefile(".yaml", hello="rules: [{match: {model: a}, reply: from the file}]")
    tests = """
def test_own(mockllm):
    assert ask(mockllm.openai_url, "a") == "from the file"
    assert isinstance(ask(mockllm.openai_url, "b"), str)

def test_shared(mockllm_shared):
    assert ask(mockllm_shared.openai_url, "a") == "from the file"
    assert isinstance(ask(mockllm_shared.openai_url, "b"), str)
"""
    ini = "mockllm_scenarios = hello.yaml\nmockllm_packs = default"
    run(pytester, tests, ini=ini).assert_outcomes(passed=2)


def test_tests_with_shared_server_are_isolated(pytester: pytest.Pytester) -> None:
    tests = """
ports = set()

@pytest.fixture(scope="session", autouse=True)
def everybody(mockllm_server):
    mockllm_server.sequence("first", "second", name="all")

@pytest.mark.parametrize("number", range(3))
def test_it(mockllm_shared, number):
    ports.add(mockllm_shared.server.port)
    assert len(ports) == 1
    assert [ask(mockllm_shared.openai_url) for _ in range(2)] == ["first", "second"]
    mockllm_shared.reply(f"mine {number}")
    assert ask(mockllm_shared.openai_url) == f"mine {number}"
    mockllm_shared.verify(times=3)

@pytest.mark.mockllm(packs="default", seed=7)
def test_with_a_pack_of_its_own(mockllm_shared):
    assert [ask(mockllm_shared.openai_url) for _ in range(2)] == ["first", "second"]
    assert ask(mockllm_shared.base_url + "/v1", "rate-limit-error") == "second"
"""
    run(pytester, tests).assert_outcomes(passed=4)


def test_environment_is_set_for_test_and_restored(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a real one")
    tests = """
import os

def test_own(mockllm, mockllm_env):
    assert os.environ["OPENAI_BASE_URL"] == mockllm.openai_url
    assert os.environ["ANTHROPIC_BASE_URL"] == mockllm.anthropic_url
    assert os.environ["GOOGLE_GEMINI_BASE_URL"] == mockllm.gemini_url
    assert os.environ["OPENAI_API_KEY"] == mockllm_env["ANTHROPIC_API_KEY"] == "mockllm"

def test_shared(mockllm_env, mockllm_shared):
    assert os.environ["OPENAI_BASE_URL"] == mockllm_shared.openai_url

def test_before():
    assert os.environ["OPENAI_API_KEY"] == "a real one"
"""
    run(pytester, tests).assert_outcomes(passed=3)


STRICT = """
def test_unmatched(mockllm):
    ask(mockllm.openai_url)

def test_unused(mockllm):
    mockllm.reply("Hi", name="lonely")

def test_shared_unmatched(mockllm_shared):
    ask(mockllm_shared.openai_url)

def test_shared_unused(mockllm_shared):
    mockllm_shared.reply("Hi", name="lonely")
"""


@pytest.mark.parametrize(
    ("ini", "failed"),
    [
        ("", ()),
        ("mockllm_strict = true", ("test_unmatched", "test_shared_unmatched")),
        ("mockllm_all_used = true", ("test_unused", "test_shared_unused")),
    ],
    ids=["as a rule neither fails", "strict: an unmatched request", "all_used: an unused rule"],
)
def test_ini_file_sets_strict(pytester: pytest.Pytester, ini: str, failed: tuple[str, ...]) -> None:
    result = run(pytester, STRICT, ini=ini)
    result.assert_outcomes(passed=4 - len(failed), failed=len(failed))
    for name in failed:
        result.stdout.fnmatch_lines([f"FAILED *::{name}*"])


def test_marker_overrides_ini_file(pytester: pytest.Pytester) -> None:
    tests = """
@pytest.mark.mockllm(strict=False)
def test_may(mockllm):
    ask(mockllm.openai_url)

@pytest.mark.mockllm(all_used=True)
def test_must(mockllm):
    mockllm.reply("Hi", name="lonely")
    ask(mockllm.openai_url, "x")
    mockllm.reply("Hi", name="lonelier")
"""
    result = run(pytester, tests, ini="mockllm_strict = true")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["1 unused rule:", "*:lonelier"])


def test_all_used_ignores_rules_in_files_of_ini(pytester: pytest.Pytester) -> None:
    pytester.makefile(".yaml", hello="rules: [{name: lonely, match: {model: a}, reply: Hi}]")
    tests = """
def test_of_all(mockllm):
    assert mockllm.unused_rules == ["hello.yaml:lonely"]

def test_of_all_shared(mockllm_shared):
    pass

@pytest.mark.mockllm(scenarios="hello.yaml")
def test_own(mockllm):
    pass
"""
    ini = "mockllm_scenarios = hello.yaml\nmockllm_all_used = true"
    result = run(pytester, tests, ini=ini)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["FAILED *::test_own*"])


def test_failed_test_has_no_further_checks(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        "def test_it(mockllm):\n    ask(mockllm.openai_url)\n    assert 0\n",
        ini="mockllm_strict = true",
    )
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*unmatched request*")


@pytest.mark.parametrize(
    ("marker", "stated"),
    [
        ('scenarios="bad.yaml"', '*bad.yaml:1:10: rules?0?.repy: unknown key; did you mean "reply"?'),
        ('scenarios="nothing.yaml"', "*nothing.yaml: there is no such file or folder"),
        ('pack="defualt"', '*packs defualt: there is no such pack; did you mean "default"*'),
        ('packs=["weather"], params={"climat": 1}', "*params climat: no pack in use has a parameter*"),
        ('packs=["weather"], params={"climate": "foggy"}', "*params: climate: expected *"),
        ("time_scale=-1", "*time_scale is a factor from 0.0001 to 10000, and not -1*"),
        ("packs=3", "*packs takes a name or a list of names, and not 3*"),
        ("scenarios=[3]", "*scenarios takes a path or a list of paths, and not [[]3]*"),
        ("params=3", "*params takes a mapping of names to values, and not 3*"),
        ("strct=True", "*the marker mockllm has no keyword 'strct'; did you mean \"strict\"?"),
        ('"default"', "*the marker mockllm takes keywords only*"),
        ('scenarios="double.yaml", strict=True', "*double.yaml:1*"),
    ],
    ids=[
        "a mistake",
        "no file",
        "no pack",
        "no param",
        "a value",
        "a number",
        "no packs",
        "no path",
        "no params",
        "no word",
        "no name",
        "a warning where it is strict",
    ],
)
def test_mistakes_are_reported_without_traceback(pytester: pytest.Pytester, marker: str, stated: str) -> None:
    pytester.makefile(".yaml", bad="rules: [{repy: Hi}]", double="rules: [{reply: Hi}, {reply: never}]")
    for fixture in ("mockllm", "mockllm_shared"):
        if "strict=" in marker and fixture == "mockllm_shared":
            continue  # its files belong to no user
        tests = f"@pytest.mark.mockllm({marker})\ndef test_it({fixture}):\n    pass\n"
        result = run(pytester, tests)
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines([stated])
        result.stdout.no_fnmatch_line("*Traceback*")
        result.stdout.no_fnmatch_line("*testing/plugin.py*")


def test_marker_with_a_wrong_status_is_one_line(pytester: pytest.Pytester) -> None:
    tests = "@pytest.mark.mockllm(miss_status=200)\ndef test_it(mockllm):\n    pass\n"
    result = run(pytester, tests)
    result.stdout.fnmatch_lines(["miss_status is a status from 400 to 599, and not 200"])
    result.stdout.no_fnmatch_line("*testing/plugin.py*")


def test_mistake_has_the_name_that_tests_import(pytester: pytest.Pytester) -> None:
    result = run(pytester, 'def test_it(mockllm):\n    mockllm.reply("Hi", match={"modle": "x"})\n')
    result.stdout.fnmatch_lines(["E*mockllm.testing.Broken: test_*"])


def test_invalid_call_shows_line_of_test(pytester: pytest.Pytester) -> None:
    result = run(pytester, 'def test_it(mockllm):\n    mockllm.reply("Hi", match={"modle": "x"})\n')
    result.stdout.fnmatch_lines(['>*mockllm.reply("Hi", match={"modle": "x"})', '*did you mean "model"?'])
    result.stdout.no_fnmatch_line("*additions.py*")


def test_async_tests_have_it_too(pytester: pytest.Pytester) -> None:
    tests = """
import asyncio
pytestmark = pytest.mark.anyio

@pytest.fixture
def anyio_backend():
    return "asyncio"

async def test_it(mockllm):
    mockllm.reply("Hi")
    asked = [asyncio.to_thread(ask, mockllm.openai_url) for _ in range(5)]
    assert await asyncio.gather(*asked) == ["Hi"] * 5
    mockllm.verify(times=5)

@pytest.mark.mockllm(strict=True)
async def test_unmatched(mockllm):
    await asyncio.to_thread(ask, mockllm.openai_url)
"""
    result = run(pytester, tests, "-p", "anyio.pytest_plugin")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["1 unmatched request:"])


@pytest.mark.full
def test_parallel_workers_have_servers_of_their_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        ASK
        + """
@pytest.mark.parametrize("number", range(12))
def test_own(mockllm, number, worker_id):
    assert worker_id.startswith("gw")
    mockllm.reply(f"own {number}")
    assert ask(mockllm.openai_url) == f"own {number}"
    mockllm.verify(times=1)

@pytest.mark.parametrize("number", range(12))
def test_shared(mockllm_shared, number):
    mockllm_shared.reply(f"shared {number}")
    assert ask(mockllm_shared.openai_url) == f"shared {number}"
    mockllm_shared.verify(times=1)

def test_failing(mockllm):
    ask(mockllm.openai_url, "asked-in-a-worker")
    assert 0
"""
    )
    done = apart(pytester.path, *ONLY_OURS, "-p", "xdist", "-n", "2")
    reported = done.stdout
    assert "24 passed" in reported, reported + done.stderr
    assert "1 failed" in reported
    assert "asked-in-a-worker → no rule matched 404" in reported


@pytest.mark.full
def test_unused_plugin_does_not_import_server(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
import sys

def test_it():
    heavy = {"aiohttp", "pydantic", "mockllm.server", "mockllm.engine", "mockllm.scenario"}
    assert "mockllm.testing.plugin" in sys.modules
    assert not heavy & sys.modules.keys()
"""
    )
    options = ("-p", "no:cacheprovider", *PLUGINS, "-p", "no:anyio", "-p", "no:xdist", "-p", "no:cov")
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=1)


@pytest.mark.full
def test_package_is_importable_without_pytest() -> None:
    code = "import sys; sys.modules['pytest'] = None; from mockllm.testing import MockLLM; MockLLM().start().stop()"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(), check=True, timeout=PATIENCE)


@pytest.mark.full
def test_forked_process_starts_own_server() -> None:
    code = """
import os
from mockllm.testing import MockLLM
import urllib.request
with MockLLM() as server:
    child = os.fork()
    if not child:
        with MockLLM() as own:
            ok = urllib.request.urlopen(own.base_url + "/health", timeout=60).status == 200
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    urllib.request.urlopen(server.base_url + "/health", timeout=60)
"""
    if not hasattr(os, "fork"):
        pytest.skip("this system does not fork")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(), check=True, timeout=PATIENCE)


def test_packages_of_inner_run_stay_imported(tmp_path: Path) -> None:
    (tmp_path / "test_outer.py").write_text(OUTER, encoding="utf-8")
    done = apart(tmp_path, "-p", "pytester")
    assert "2 passed" in done.stdout, done.stdout


@pytest.mark.full
def test_failed_test_without_server_does_not_import_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
import sys

def test_fails(monkeypatch):
    monkeypatch.setitem(sys.modules, "msgspec", None)
    assert 0

def test_after():
    assert "mockllm.testing.mock_base" not in sys.modules
"""
    )
    options = ("-p", "no:cacheprovider", *PLUGINS, "-p", "no:anyio", "-p", "no:xdist", "-p", "no:cov")
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=1, failed=1)
