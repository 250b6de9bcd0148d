"""Calls of the openai package that are not served: a 501 that says so, once, unless a rule names the path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import openai
import pytest

from mockllm.dialects.router import MethodNotAllowed, NoRoute, RouteMatch, find_route
from tests.live import Live
from tests.live import live as serve
from tests.sdk.sdk_releases import require_known

RESOURCES: Final = Path(openai.__file__).parent / "resources"
CALL: Final = re.compile(
    r'self\._(get|post|delete|put|patch|get_api_list)\(\s*(?:path_template\(\s*)?"(/[^"?]*)'
)
SCENARIO: Final = """
rules:
  - name: assistants
    match: {path: /v1/assistants}
    http: {body: {object: list, data: [], has_more: false}}
"""


def _calls() -> Iterator[tuple[str, str]]:
    for file in sorted(RESOURCES.rglob("*.py")):
        for verb, path in CALL.findall(file.read_text(encoding="utf-8")):
            method = "GET" if verb == "get_api_list" else verb.upper()
            yield method, "/v1" + re.sub(r"\{\w+\}", "x", path)


def test_each_call_of_sdk_is_known() -> None:
    calls = set(_calls())
    assert len(calls) > 150, "the pattern finds the calls of the SDK"
    routed = {call: find_route(*call, {}) for call in calls}
    assert any(isinstance(found, NoRoute) for found in routed.values())
    unknown = [
        call
        for call, found in routed.items()
        if not isinstance(found, RouteMatch | MethodNotAllowed) and found.failure.status != 501
    ]
    require_known("openai", unknown)


@pytest.fixture(scope="module")
def partly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("partly") / "partly.yaml"
    file.write_text(SCENARIO)
    with serve(file) as server:
        yield server


CALLS: Final[dict[str, Callable[[openai.OpenAI], Any]]] = {
    "administration": lambda client: client.admin.organization.users.list(),
    "assistants": lambda client: client.beta.assistants.retrieve("asst_1"),
    "threads": lambda client: client.beta.threads.create(),
    "fine-tuning": lambda client: client.fine_tuning.jobs.list(),
    "evals": lambda client: client.evals.list(),
    "containers": lambda client: client.containers.list(),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_unserved_call_is_501_that_is_not_retried(partly: Live, name: str) -> None:
    partly.lines.clear()
    with (
        openai.OpenAI(base_url=f"{partly.url}/v1", api_key="k", admin_api_key="k", max_retries=2) as client,
        pytest.raises(openai.InternalServerError) as raised,
    ):
        CALLS[name](client)
    error = raised.value
    assert (error.status_code, error.code, error.type) == (501, "not_served", "server_error")
    assert error.message.startswith("Error code: 501 - Known API, not served: ")
    assert "A rule that names the path can respond" in error.message
    partly.line(lambda line: " 501 " in line)
    assert sum(" 501 " in line for line in partly.lines) == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_rule_that_names_path_responds(partly: Live) -> None:
    with openai.OpenAI(base_url=f"{partly.url}/v1", api_key="k") as client:
        assert client.beta.assistants.list().data == []
