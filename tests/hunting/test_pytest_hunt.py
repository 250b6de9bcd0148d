"""`@pytest.mark.mockllm(hunt=True)`: one report for a test that runs many times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testing.inner_runs import PLUGINS, run_inside

pytest_plugins = ["pytester"]

TEST = """
import json, os, urllib.request
import pytest

def texts():
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
        {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        chunks = [json.loads(line[PREFIX:]) for line in response if line.startswith(START)]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])

@pytest.mark.mockllm(hunt=SETTINGS)
def test_texts(mockllm, mockllm_env):
    mockllm.reply("one two three", name="only")
    assert texts() == "one two three"
"""


def run(
    pytester: pytest.Pytester, settings: str, *, dense: bool = False, code: str = TEST
) -> pytest.RunResult:
    """Run the test with these settings. `dense`: its client accepts lines without a space."""
    prefix = ("PREFIX, START = 5, b'data:{'\n") if dense else "PREFIX, START = 6, b'data: {'\n"
    pytester.makepyfile(prefix + code.replace("SETTINGS", settings))
    return run_inside(pytester, *PLUGINS, "-rA")


def test_hunt_fails_a_test_for_a_finding(pytester: pytest.Pytester) -> None:
    result = run(pytester, '{"runs": 60, "findings": 1, "replays": 2}')
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    assert "1. same_result: the command ended with exit code 1" in text
    assert "no_space, request 1; failed 2 of 2 times" in text
    (path,) = Path(pytester.path, "hunt").glob("*.yaml")
    assert path.name == "no-space-same-result.yaml"


def test_hunt_passes_a_test_that_holds(pytester: pytest.Pytester) -> None:
    code = (
        TEST.replace("    with urllib", "    with urllib")
        .replace("line[PREFIX:]", "line[5:]")
        .replace("START", "b'data:'")
    )
    code = code.replace("if line.startswith(b'data:')", "if line.startswith(b'data:') and b'{' in line")
    result = run(pytester, '{"runs": 12}', code=code)
    result.assert_outcomes(passed=1)
    assert "0 findings in 12 runs" in result.stdout.str()


def test_hunt_of_a_failing_test_reports_its_failure(pytester: pytest.Pytester) -> None:
    result = run(pytester, "True", code=TEST.replace('== "one two three"', '== "four"'))
    result.assert_outcomes(failed=1)
    assert "assert 'one two three' == 'four'" in result.stdout.str()


def test_hunt_beyond_its_bound_fails(pytester: pytest.Pytester) -> None:
    code = TEST.replace(
        "    mockllm.reply", "    mockllm.rule(faults=['no_response'], reply='x')\n    mockllm.reply"
    )
    code = code.replace("mockllm.reply(", "mockllm.modifier(delay='60s'); mockllm.reply(")
    result = run(pytester, '{"timeout": 0.5}', code=code)
    result.assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('{"runs": 0}', "hunt={'runs': 0}: expected a number from 3"),
        ('{"replays": "many"}', "hunt={'replays': 'many'}: expected a number from 1"),
        ('{"findings": True}', "hunt={'findings': True}: expected a number from 1"),
        ('{"timeout": "10s"}', "hunt={'timeout': '10s'}: expected seconds, more than 0"),
        ('{"time": True}', "hunt={'time': True}: expected seconds, more than 0"),
        ('{"seed": "x"}', "hunt={'seed': 'x'}: expected a whole number"),
        ('{"runz": 5}', "hunt has no setting 'runz'; expected one of runs, time, timeout,"),
        ('"no"', "hunt is True, False or a mapping of settings, and not 'no'"),
        ("1", "hunt is True, False or a mapping of settings, and not 1"),
        ("{1: 5}", "hunt has no setting 1; expected one of runs, time, timeout,"),
    ],
)
def test_hunt_with_bad_setting_fails_its_test_alone(
    pytester: pytest.Pytester, settings: str, message: str
) -> None:
    others = "\n\ndef test_other(mockllm):\n    pass\n"
    result = run(pytester, settings, code=TEST + others)
    result.assert_outcomes(errors=1, passed=1)
    assert result.stdout.str().count(f"\n{message}") == 1
    assert "Traceback" not in result.stdout.str()


def test_hunt_of_a_test_without_requests_fails(pytester: pytest.Pytester) -> None:
    code = "import pytest\n@pytest.mark.mockllm(hunt=True)\ndef test_it(mockllm):\n    pass\n"
    result = run(pytester, "", code=code)
    result.assert_outcomes(failed=1)
    assert "hunt: the command sent no request to the server" in result.stdout.str()


def test_hunt_that_tries_nothing_fails_its_test(pytester: pytest.Pytester) -> None:
    result = run(pytester, '{"time": 0.000001}')
    result.assert_outcomes(failed=1)
    assert "hunt: no disturbance was tried: " in result.stdout.str()
    assert "give it more time: hunt={'time': 60}" in result.stdout.str()


def test_test_without_hunt_runs_once(pytester: pytest.Pytester) -> None:
    run(pytester, "False").assert_outcomes(passed=1)
