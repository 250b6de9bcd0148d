"""The report of a failed test on its own servers, whatever it did to them."""

from __future__ import annotations

import pytest

from tests.testing.inner_runs import run

pytest_plugins = ["pytester"]


def test_failed_test_shows_its_requests(pytester: pytest.Pytester) -> None:
    tests = """
def test_passes(mockllm_shared):
    mockllm_shared.reply("Hi")
    ask(mockllm_shared.openai_url, "asked-by-another")

def test_shared(mockllm_shared):
    mockllm_shared.reply("Hi", match={"model": "gpt-5"})
    assert ask(mockllm_shared.openai_url, "asked-by-me") == "Hi"

def test_own(mockllm):
    assert 0
"""
    result = run(pytester, tests)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*mockllm: requests to http://127.0.0.1:*/s/test_shared-*",
            "*asked-by-me → no rule matched 404*",
            '*reply 1: model expected "gpt-5", found "asked-by-me"*',
            "*mockllm: requests to http://127.0.0.1:*",
            "no requests",
        ]
    )
    result.stdout.no_fnmatch_line("*asked-by-another*")


def test_failed_test_shows_warnings_about_its_files(pytester: pytest.Pytester) -> None:
    pytester.makefile(".yaml", double="rules: [{name: all, reply: Hi}, {name: never, reply: Hello}]")
    tests = """
@pytest.mark.mockllm(scenarios="double.yaml")
def test_own(mockllm):
    assert ask(mockllm.openai_url) == "Hello"

@pytest.mark.mockllm(scenarios="double.yaml")
def test_shared(mockllm_shared):
    assert ask(mockllm_shared.openai_url) == "Hello"
"""
    result = run(pytester, tests)
    result.assert_outcomes(failed=2)
    warning = ["*mockllm: warnings about the scenario files*", '*double.yaml:1:* can never respond: "all"*']
    result.stdout.fnmatch_lines(warning * 2)


@pytest.mark.parametrize(
    ("word", "stated"),
    [
        ("strict", "strict is True or False"),
        ("all_used", "all_used is True or False"),
        ("verdicts", "verdicts is True or False"),
        ("seed", "seed is a whole number"),
        ("miss_status", "miss_status is a status from 400 to 599"),
    ],
)
def test_text_as_a_setting_is_one_line(pytester: pytest.Pytester, word: str, stated: str) -> None:
    result = run(pytester, f"@pytest.mark.mockllm({word}='7')\ndef test_it(mockllm):\n    pass\n")
    result.stdout.fnmatch_lines([f"{stated}, and not '7'"])
    result.stdout.no_fnmatch_line("*testing/plugin.py*")


def test_text_as_the_seed_of_a_session_is_one_line(pytester: pytest.Pytester) -> None:
    result = run(pytester, "@pytest.mark.mockllm(seed='7')\ndef test_it(mockllm_shared):\n    pass\n")
    result.stdout.fnmatch_lines(["seed is a whole number, and not '7'"])


def test_failed_test_with_stopped_server_shows_requests(pytester: pytest.Pytester) -> None:
    tests = """
def test_down(mockllm):
    mockllm.reply("Hi")
    ask(mockllm.openai_url, "asked-before")
    mockllm.stop()
    assert 0

@pytest.mark.mockllm(strict=True)
def test_strict(mockllm):
    ask(mockllm.openai_url, "not-known")
    mockllm.stop()
"""
    result = run(pytester, tests)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*mockllm: requests to http://127.0.0.1:*",
            "*asked-before → *",
            "1 unmatched request:",
            "*mockllm: requests to http://127.0.0.1:*",
            "*not-known → no rule matched 404*",
        ]
    )


@pytest.mark.parametrize("fixture", ["mockllm", "mockllm_shared"])
def test_bad_time_scale_of_the_ini_file_is_one_line(pytester: pytest.Pytester, fixture: str) -> None:
    result = run(pytester, f"def test_it({fixture}):\n    pass\n", ini="mockllm_time_scale = fast")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["time_scale is a factor from 0.0001 to 10000, and not 'fast'"])
    result.stdout.no_fnmatch_line("*float*")


@pytest.mark.parametrize(
    ("word", "value"), [("miss_status", "400"), ("hunt", "True"), ("hunt", "{'runs': 3}")]
)
def test_word_without_effect_on_a_shared_server_is_refused(
    pytester: pytest.Pytester, word: str, value: str
) -> None:
    tests = f"""
@pytest.mark.mockllm({word}={value})
def test_shared(mockllm_shared):
    pass

@pytest.mark.mockllm(miss_status=400, hunt=False)
def test_both(mockllm_shared, mockllm):
    assert ask(mockllm.openai_url, "unknown") == 400
"""
    result = run(pytester, tests)
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(
        [f"{word} has no effect on mockllm_shared, whose server all tests share: use mockllm"]
    )


def test_report_has_the_last_of_many_requests(pytester: pytest.Pytester) -> None:
    tests = """
@pytest.mark.mockllm(strict=True)
def test_many(mockllm):
    for number in range(60):
        ask(mockllm.openai_url, f"asked-{number:02}")
"""
    result = run(pytester, tests)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "60 unmatched requests:",
            "*asked-00 *",
            "*asked-49 *",
            "  and 10 more",
            "*mockllm: requests to http://127.0.0.1:*",
            "10 earlier requests left out",
            "*asked-10 → no rule matched 404*",
            "*asked-59 → no rule matched 404*",
        ]
    )
    assert result.stdout.str().count("asked-55 ") == 1


def test_failed_fixture_shows_requests(pytester: pytest.Pytester) -> None:
    tests = """
@pytest.fixture
def application(mockllm):
    ask(mockllm.openai_url, "asked-at-first")
    raise LookupError("it does not start")

def test_it(application):
    pass

@pytest.fixture
def last(mockllm):
    yield
    ask(mockllm.openai_url, "asked-at-last")
    raise LookupError("it does not stop")

def test_end(last):
    pass
"""
    result = run(pytester, tests)
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*asked-at-first → *", "*asked-at-last → *"])


def test_rerun_test_shows_requests_of_last_run(pytester: pytest.Pytester) -> None:
    """As plugins do that run flaky tests again."""
    pytester.makeconftest(
        """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for _ in range(3):
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        if all(report.passed for report in reports):
            break
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
"""
    )
    tests = """
runs = []

@pytest.mark.mockllm(strict=True)
def test_flaky(mockllm):
    runs.append(1)
    mockllm.reply("Hi", match={"model": "known"})
    ask(mockllm.openai_url, "known" if len(runs) == 3 else "unknown")
"""
    run(pytester, tests).assert_outcomes(passed=1)


def test_mistake_in_call_shows_only_the_test(pytester: pytest.Pytester) -> None:
    tests = """
def test_climate(mockllm):
    mockllm.climate("stormy")

def test_counts(mockllm):
    mockllm.verify({}, times=1, at_least=2)
"""
    result = run(pytester, tests)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(['E *climate: expected *did you mean "storm"?', "E *TypeError: times is *"])
    result.stdout.no_fnmatch_line("*mockllm/testing/*.py*")


def test_unmatched_request_of_a_teardown_is_an_error(pytester: pytest.Pytester) -> None:
    tests = """
@pytest.fixture
def late(mockllm):
    yield
    ask(mockllm.openai_url, "late")

@pytest.fixture
def late_shared(mockllm_shared):
    yield
    ask(mockllm_shared.openai_url, "late")

def test_own(late):
    pass

def test_shared(late_shared):
    pass

def test_failed(late):
    assert 0

def test_unmatched(mockllm):
    ask(mockllm.openai_url)

@pytest.mark.mockllm(strict=False)
def test_not_strict(late):
    pass
"""
    result = run(pytester, tests, ini="mockllm_strict = true")
    result.assert_outcomes(passed=3, failed=2, errors=2)
    result.stdout.fnmatch_lines(
        ["*ERROR at teardown of test_own*", "1 unmatched request:", "*late → no rule*"]
    )
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_shared*"])
