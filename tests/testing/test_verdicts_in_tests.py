"""`.verdicts` of a test's server and of a session, and what the pytest plugin makes of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockllm.testing import MockLLM, Verdict, Verdicts
from tests.testing.inner_runs import run
from tests.testing.library_client import ask, text

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """All modules are loaded, so that test runs in this process do not each load some of their own."""
    with MockLLM(packs="default") as built:
        built.error("overloaded")
        ask(built.openai_url)
        assert built.verdicts


@pytest.fixture
def server() -> Iterator[MockLLM]:
    with MockLLM() as built:
        built.reply("Hi")
        built.error({"type": "rate_limit", "retry_after": "20s"}, match={"model": "busy"})
        built.sequence({"error": "overloaded"}, "Here", match={"model": "later"})
        yield built


def test_good_client_has_no_bad_verdict(server: MockLLM) -> None:
    assert text(server.openai_url) == "Hi"
    assert not server.verdicts
    assert server.verdicts.names == []
    assert (str(server.verdicts), repr(server.verdicts)) == ("no verdict", "[]")
    server.verdicts.check()


def test_bad_verdict_has_requests(server: MockLLM) -> None:
    text(server.openai_url)
    for _ in range(2):
        ask(server.openai_url, "busy")
    found = server.verdicts
    assert isinstance(found, Verdicts)
    assert found.names == ["retry_after_ignored", "gave_up"]
    assert (len(found), len(found.bad), len(found.good), len(found[1:])) == (2, 2, 0, 1)
    ignored = found[0]
    assert isinstance(ignored, Verdict)
    assert ignored in found
    assert ignored.requests == server.requests[1:]
    assert "Python-urllib" in ignored.client
    assert ignored.session is None
    assert "RFC 9110" in ignored.rule_of_conduct
    assert ignored.says.endswith("after #2, which requested a wait of 20s")
    assert repr(ignored) == f"<retry_after_ignored: {ignored.says}>"
    assert repr(found).startswith(f"[retry_after_ignored: {ignored.says}, gave_up: #3 ended with 429")
    assert "    #2 POST /v1/chat/completions busy 429, retry after 20s" in str(found).splitlines()


def test_check_passes_allowed_verdicts(server: MockLLM) -> None:
    for _ in range(2):
        ask(server.openai_url, "busy")
    with pytest.raises(AssertionError, match=r"^retry_after_ignored by (?s:.)*\ngave_up by "):
        server.verdicts.check()
    with pytest.raises(AssertionError, match=r"^gave_up by "):
        server.verdicts.check("retry_after_ignored")
    server.verdicts.check("retry_after_ignored", "gave_up")
    with pytest.raises(ValueError, match="unknown verdict 'given_up'; expected one of retry_after_ignored, "):
        server.verdicts.check("given_up")


def test_recovered_is_good_verdict(server: MockLLM) -> None:
    assert ask(server.openai_url, "later")[0] == 503
    assert ask(server.openai_url, "later")[0] == 200
    assert server.verdicts.names == ["recovered"]
    assert not server.verdicts.bad
    assert server.verdicts.good[0].good


def test_session_verdicts_use_its_requests(server: MockLLM) -> None:
    with server.session() as one, server.session() as other:
        ask(one.openai_url, "busy")
        text(other.openai_url)
        assert one.verdicts.names == ["gave_up"]
        assert one.verdicts[0].session == one.session_id
        assert not other.verdicts
    assert server.verdicts.names == ["gave_up"]


def test_verdicts_are_available_after_stop() -> None:
    with MockLLM() as server:
        server.error("overloaded")
        ask(server.openai_url)
    assert server.verdicts.names == ["gave_up"]


def test_verdicts_ignore_other_methods_and_number_by_list(server: MockLLM) -> None:
    import urllib.request

    urllib.request.urlopen(f"{server.openai_url}/models", timeout=30).close()
    ask(server.openai_url, "busy")
    (verdict,) = server.verdicts
    assert verdict.says.startswith("#2 ended")
    assert verdict.requests == [server.requests[1]]


# --- the plugin --------------------------------------------------------------------------------------


BUSY = """
def test_it(mockllm):
    mockllm.error({"type": "rate_limit", "retry_after": "20s"})
    assert [ask(mockllm.openai_url) for _ in range(2)] == [429, 429]
"""


def test_bad_verdict_fails_test_with_marker(pytester: pytest.Pytester) -> None:
    result = run(pytester, f"@pytest.mark.mockllm(verdicts=True){BUSY}")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["retry_after_ignored by Python-urllib/*: #2 came *", "*RFC 9110*"])


def test_verdicts_marker_overrides_ini_file(pytester: pytest.Pytester) -> None:
    run(pytester, BUSY).assert_outcomes(passed=1)
    run(pytester, BUSY, ini="mockllm_verdicts = true").assert_outcomes(failed=1)
    marked = f"@pytest.mark.mockllm(verdicts=False){BUSY}"
    run(pytester, marked, ini="mockllm_verdicts = true").assert_outcomes(passed=1)
    shared = BUSY.replace("mockllm", "mockllm_shared")
    run(pytester, shared, ini="mockllm_verdicts = true").assert_outcomes(failed=1)


def test_check_failure_is_readable(pytester: pytest.Pytester) -> None:
    result = run(pytester, f"{BUSY}    assert not mockllm.verdicts.bad\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E * assert not [[]retry_after_ignored: #2 came * after #1, which requested a wait of 20s*",
            "*mockllm: bad verdicts on the client*",
            "gave_up by Python-urllib*",
        ]
    )
