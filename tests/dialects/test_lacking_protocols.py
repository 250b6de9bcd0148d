"""A protocol without a system text, a schema or descriptions of tools: the shared tests accept what it declares."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mockllm.core.json.codec import dumps
from mockllm.core.request.request import Request
from mockllm.dialects.cohere.chat import CohereChat
from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from tests.dialects import test_building_and_decoding as building
from tests.dialects import test_encoding_keys as encoding_keys
from tests.dialects import test_meaning_matrix as meaning
from tests.dialects.expressible import expressible

ALL = CohereChat.capabilities
NONE = replace(ALL, system_text=False, response_schema=False, tool_descriptions=False)
CASES = {"system_text": "a system text", "response_schema": "a form", "tool_descriptions": "a tool in full"}
"""The case of the shared test that fails without the capability."""


class LackingChat(CohereChat):
    """Cohere's chat as if it had none of the three."""

    capabilities = NONE

    def build_request(self, request: NeutralRequest) -> WireRequest:
        return super().build_request(expressible(request, NONE))


@pytest.fixture(autouse=True)
def no_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dialect of this file has no route, so its requests are read without one."""

    def requested(dialect: ReplyDialect, wanted: NeutralRequest) -> Request:
        built = dialect.build_request(wanted)
        return dialect.request_class(
            method="POST", path="/v2/chat", headers=built.headers, raw=dumps(built.body)
        )

    for module in (building, encoding_keys, meaning):
        monkeypatch.setattr(module, "requested", requested)


@pytest.mark.parametrize("name", building.WANTED)
def test_declared_lack_passes_shared_test(name: str) -> None:
    building.test_request_has_all_of_neutral_request(LackingChat(), name)


def test_declared_lack_passes_tests_of_schema_and_system() -> None:
    building.test_schema_has_form_of_provider(LackingChat())
    encoding_keys.test_input_tokens_include_the_system_text(LackingChat())


@pytest.mark.parametrize("capability", CASES)
def test_lack_that_is_not_declared_fails(capability: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LackingChat, "capabilities", replace(NONE, **{capability: True}))
    with pytest.raises(AssertionError):
        building.test_request_has_all_of_neutral_request(LackingChat(), CASES[capability])


@meaning.streaming
def test_wrong_schema_is_not_applicable_without_schema(stream: bool) -> None:
    meaning.test_meaning_fault_has_expected_form(
        "cohere", LackingChat(), stream, "wrong_schema of structured output"
    )
