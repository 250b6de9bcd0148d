"""Token counts, and the lists of models and inference profiles."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps
from mockllm.core.rendering.plan import Plan
from mockllm.dialects.bedrock.provider import COUNT, MODELS, PROFILES
from tests.dialects.bedrock.bedrock_requests import (
    CLAUDE,
    IDENTITY,
    MESSAGES,
    MINIMAL,
    body_of,
    converse,
    invoke,
)
from tests.dialects.bedrock.bedrock_requests import request_of as post


def answer(path: str, *, query: str = "", models: tuple[str, ...] = ()) -> Any:
    request = post(path, method="GET", query=query)
    dialect = MODELS if "models" in path else PROFILES
    plan = dialect.own_response_from_models(models, request, IDENTITY)
    assert isinstance(plan, Plan)
    return body_of(plan)


def count(body: Any) -> int:
    plan = COUNT.own_response(post(f"/model/{CLAUDE}/count-tokens", dumps(body)), IDENTITY)
    assert isinstance(plan, Plan)
    tokens: int = body_of(plan)["inputTokens"]
    return tokens


def test_count_equals_usage_of_the_counted_request() -> None:
    assert count({"input": {"converse": dict(MINIMAL)}}) == converse().input_tokens
    body = b64encode(dumps(dict(MESSAGES))).decode()
    assert count({"input": {"invokeModel": {"body": body}}}) == invoke().input_tokens


@pytest.mark.parametrize(
    "body", [{}, {"input": {"invokeModel": {"body": "?"}}}, {"input": {"invokeModel": 1}}]
)
def test_count_of_nothing_is_small(body: Any) -> None:
    assert count(body) < 10


def test_count_request_matches_by_its_content() -> None:
    request = post(f"/model/{CLAUDE}/count-tokens", dumps({"input": {"converse": dict(MINIMAL)}}))
    assert (request.user, request.system, request.tools) == ("hi", None, ())


def test_list_of_models_begins_with_those_of_rules() -> None:
    summaries = answer("/foundation-models", models=("us.anthropic.mine-v1:0", "plain"))["modelSummaries"]
    assert [each["modelId"] for each in summaries][:2] == ["anthropic.mine-v1:0", "plain"]
    assert CLAUDE in [each["modelId"] for each in summaries]
    meta = answer("/foundation-models", query="byProvider=meta")["modelSummaries"]
    assert {each["providerName"] for each in meta} == {"Meta"}


def test_any_model_and_profile_is_described() -> None:
    details = answer("/foundation-models/anthropic.mine-v1:0")["modelDetails"]
    assert (details["modelId"], details["providerName"]) == ("anthropic.mine-v1:0", "Anthropic")
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{CLAUDE}"
    profile = answer(f"/inference-profiles/{arn}")
    assert (profile["inferenceProfileId"], profile["inferenceProfileArn"]) == (f"us.{CLAUDE}", arn)


def test_lookups_have_the_errors_of_all_calls() -> None:
    plan = MODELS.error(Failure("permission"), post("/foundation-models", method="GET"), IDENTITY)
    assert plan.head.status == 403
    assert body_of(plan)["message"].startswith("You don't have access")


def test_profiles_are_paged() -> None:
    whole = answer("/inference-profiles", models=("eu.anthropic.mine-v1:0", "plain"))
    ids = [each["inferenceProfileId"] for each in whole["inferenceProfileSummaries"]]
    assert ids[0] == "eu.anthropic.mine-v1:0"
    assert "plain" not in ids
    assert "nextToken" not in whole
    first = answer("/inference-profiles", query="maxResults=2")
    second = answer("/inference-profiles", query=f"maxResults=2&nextToken={first['nextToken']}")
    pages = [*first["inferenceProfileSummaries"], *second["inferenceProfileSummaries"]]
    assert [each["inferenceProfileId"] for each in pages] == ids[1:5]
    assert answer("/inference-profiles", query="maxResults=x") == answer("/inference-profiles")
