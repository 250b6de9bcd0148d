"""The control API of `MockLLM`: its requests, for tests in other languages and for a person."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

import pytest

from mockllm.testing import MockLLM


def called(url: str, body: Any = None, method: str | None = None) -> tuple[int, Any]:
    """Status and JSON."""
    data = None if body is None else json.dumps(body).encode()
    requested = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(requested, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def requested(base: str, user: str, model: str = "gpt-4o") -> None:
    body = {"model": model, "messages": [{"role": "user", "content": user}]}
    called(f"{base}/v1/chat/completions", body)


def test_control_api_lists_and_verifies_requests() -> None:
    with MockLLM() as server:
        server.reply("Hi", {"user": "hello"})
        requested(server.base_url, "hello")
        requested(server.base_url, "bye", "other")
        listed = called(f"{server.base_url}/api/requests")[1]["requests"]
        assert [each["model"] for each in listed] == ["other", "gpt-4o"]
        expected = {"expect": [{"match": {"user": "hello"}, "exactly": 1}], "no_unmatched": True}
        found = called(f"{server.base_url}/api/verify", expected)[1]
        assert [each["message"] for each in found["failures"]] == ["1 request that no rule matched"]
        rules = called(f"{server.base_url}/api/rules")[1]["rules"]
        assert [each["answers"] for each in rules] == [1]
        assert called(f"{server.base_url}/api/requests/{listed[0]['id']}")[1]["near_misses"]
        assert called(f"{server.base_url}/api/metrics")[1]["open"] == 0


def test_bound_on_rule_of_a_session_is_met() -> None:
    with MockLLM() as server, server.session("one") as one:
        one.reply("Hi", name="mine")
        expected = {"session": "one", "expect": [{"rule": "mine", "exactly": 0}]}
        assert called(f"{server.base_url}/api/verify", expected)[1]["passed"]


def test_all_rules_used_counts_rules_in_code() -> None:
    with MockLLM() as server:
        server.reply("Hi", name="mine")
        (failure,) = called(f"{server.base_url}/api/verify", {"all_rules_used": True})[1]["failures"]
        assert ":mine (" in failure["message"]


def test_control_api_sees_later_rules() -> None:
    with MockLLM() as server:
        assert called(f"{server.base_url}/api/rules")[1]["rules"] == []
        server.reply("Hi")
        assert len(called(f"{server.base_url}/api/rules")[1]["rules"]) == 1


@pytest.mark.parametrize("path", ["/api/rules", "/api/explain"])
def test_control_api_refuses_changes(path: str) -> None:
    with MockLLM() as server:
        status, problem = called(f"{server.base_url}{path}", {"reply": "x"})
        assert status == 501
        assert problem["detail"]


def test_too_deep_body_of_control_call_is_400() -> None:
    with MockLLM() as server:
        deep: Any = []
        for _ in range(200):
            deep = [deep]
        assert called(f"{server.base_url}/api/verify", deep)[0] == 400


@pytest.mark.full
def test_start_does_not_import_control_api() -> None:
    """Nor does a server that no test changes."""
    script = (
        "import sys; from mockllm.testing import MockLLM\n"
        "with MockLLM() as server: server.reply('x')\n"
        "print([name for name in sys.modules if name.startswith('mockllm.server.control')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"
