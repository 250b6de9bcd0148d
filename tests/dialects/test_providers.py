"""What holds of every provider: names and ids that are unique, facts that fit each other."""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest

from mockllm.dialects.dialect import Dialect
from mockllm.dialects.provider import Provider
from mockllm.dialects.provider_facts import DIALECT_NAMES, parameter_fields
from mockllm.dialects.providers import (
    BY_NAME,
    DEFAULT,
    DIALECTS,
    GENERATING_CALLS,
    REGISTERED,
    generating_dialect,
)
from mockllm.dialects.router import RouteMatch, find_route

providers = pytest.mark.parametrize("provider", REGISTERED, ids=lambda provider: provider.name)
providers_of_models = pytest.mark.parametrize(
    "provider",
    [each for each in REGISTERED if not each.routes[0].call.dialect.request_class.is_for_mcp_server],
    ids=lambda provider: provider.name,
)


def test_provider_names_are_unique() -> None:
    assert len(BY_NAME) == len(REGISTERED)


@providers
def test_call_ids_of_provider_are_unique(provider: Provider) -> None:
    counts = Counter(call.id for call in provider.calls)
    assert [id for id, count in counts.items() if count > 1] == []


def test_names_of_generating_calls_are_unique() -> None:
    names = [call.name for call in GENERATING_CALLS]
    assert len(names) == len(set(names))


@providers_of_models
def test_first_route_of_provider_is_its_usual_generating_call(provider: Provider) -> None:
    """Its dialect writes the 404 of unknown paths."""
    first = provider.routes[0].call
    assert first.dialect.generates
    assert generating_dialect(provider.name) is first.dialect


@providers
def test_generating_calls_of_provider_are_operations(provider: Provider) -> None:
    assert [call.id for call in provider.calls if call.dialect.generates and call.operation is None] == []


@providers_of_models
def test_titles_belong_to_calls_that_build_requests(provider: Provider) -> None:
    """The page of errors builds a request to each call with a title."""
    assert any(call.title is not None for call in provider.calls)
    titled = [call for call in provider.calls if call.title is not None]
    assert [call.id for call in titled if not hasattr(call.dialect, "build_request")] == []


@pytest.mark.parametrize(
    "dialect", DIALECTS, ids=lambda dialect: f"{type(dialect).__name__}-{dialect.name}-{dialect.api}"
)
def test_request_class_names_the_call_as_its_dialect(dialect: Dialect) -> None:
    kind = dialect.request_class
    assert (kind.dialect, kind.api, kind.generates) == (dialect.name, dialect.api, dialect.generates)


EVALUATING_APIS: Final = {
    "chat_classifications",
    "chat_moderations",
    "classifications",
    "classify",
    "compact",
    "embeddings",
    "moderations",
    "rerank",
    "sentence_similarity",
    "transcription",
}


def test_model_evaluates_requests_of_these_calls() -> None:
    evaluating = [dialect for dialect in DIALECTS if dialect.request_class.evaluates]
    assert {dialect.api for dialect in evaluating} == EVALUATING_APIS
    assert all(dialect in evaluating for dialect in DIALECTS if dialect.api in EVALUATING_APIS)


def test_only_the_default_provider_has_no_hint_on_a_shared_path() -> None:
    found = find_route("GET", "/v1/models", {})
    assert isinstance(found, RouteMatch)
    assert found.provider == DEFAULT.name
    assert not DEFAULT.hint_headers


def test_generating_dialect_finds_ids_and_apis() -> None:
    by_id = generating_dialect("gemini", "compatible_chat")
    assert by_id is not None
    assert by_id is generating_dialect("gemini", "chat")
    assert generating_dialect("vertex", "messages") is not generating_dialect("vertex")
    assert generating_dialect("gemini", "no-such-api") is None


def test_error_of_openais_protocol_names_the_parameter() -> None:
    assert parameter_fields("openai", "break") == {"param": "break"}
    assert all(parameter_fields(name, "break") == {} for name in DIALECT_NAMES - {"openai"})
    assert parameter_fields("no-such-dialect", "break") == {}
