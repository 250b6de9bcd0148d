"""The list of models, and one model of the list."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.provider import MODELS
from tests.dialects.anthropic.messages_requests import IDENTITY, body_of


def models_request(query: str = "", model: str | None = None) -> Request:
    variables = {} if model is None else {"model": model}
    return MODELS.request_class(
        method="GET", path="/v1/models", headers={}, query_string=query, path_variables=variables
    )


def list_body(query: str = "", *models: str) -> Any:
    plan = MODELS.own_response_from_models(models, models_request(query), IDENTITY)
    assert isinstance(plan, Plan)
    assert plan.head.status == 200
    return body_of(plan)


def ids(body: Any) -> list[str]:
    return [model["id"] for model in body["data"]]


def test_model_list_has_rule_models_first_without_duplicates() -> None:
    body = list_body("", "mine", "claude-sonnet-5")
    assert ids(body)[:3] == ["mine", "claude-sonnet-5", "claude-fable-5-2"]
    assert len(set(ids(body))) == len(ids(body))
    assert (body["has_more"], body["first_id"], body["last_id"]) == (False, "mine", ids(body)[-1])


def test_alias_in_list_has_values_of_its_model() -> None:
    alias, dated = (
        list_body("limit=1", name)["data"][0] for name in ("claude-haiku-4-5", "claude-haiku-4-5-20251001")
    )
    assert alias == {**dated, "id": "claude-haiku-4-5"}
    assert alias["capabilities"]["thinking"]["types"]["adaptive"] == {"supported": False}


def test_model_pages_follow_each_other() -> None:
    names = [f"m{number}" for number in range(9)]
    everything = ids(list_body("limit=1000", *names))
    walked: list[str] = []
    query = "limit=4"
    while True:
        body = list_body(query, *names)
        walked += ids(body)
        if not body["has_more"]:
            break
        query = f"limit=4&after_id={body['last_id']}"
    assert walked == everything
    before = list_body("limit=2&before_id=m5", *names)
    assert (ids(before), before["has_more"]) == (["m3", "m4"], True)
    assert ids(list_body("after_id=nobody", "a"))[0] == "a"


def test_model_page_may_be_empty() -> None:
    body = list_body(f"after_id={ids(list_body())[-1]}")
    assert body == {"data": [], "has_more": False, "first_id": None, "last_id": None}


def test_any_single_model_is_known() -> None:
    for name in ("claude-sonnet-5", "my-own"):
        plan = MODELS.own_response_from_models((), models_request(model=name), IDENTITY)
        assert isinstance(plan, Plan)
        body = body_of(plan)
        assert (body["type"], body["id"]) == ("model", name)
        assert list(body) == [
            *("type", "id", "display_name", "created_at", "max_input_tokens", "max_tokens", "capabilities"),
            "lifecycle",
        ]
    assert models_request(model="x").model == "x"


def test_alias_is_resolved_to_its_dated_model() -> None:
    plan = MODELS.own_response_from_models((), models_request(model="claude-sonnet-4-5"), IDENTITY)
    assert isinstance(plan, Plan)
    body = body_of(plan)
    assert (body["id"], body["display_name"]) == ("claude-sonnet-4-5-20250929", "Claude Sonnet 4.5")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", None),
        ("limit=20", None),
        ("limit=0", "limit: Input should be greater than or equal to 1"),
        ("limit=1001", "limit: Input should be less than or equal to 1000"),
        ("limit=x", "limit: Input should be a valid integer, unable to parse string as an integer"),
    ],
)
def test_page_size_out_of_range_is_refused(query: str, message: str | None) -> None:
    failure = MODELS.check(models_request(query))
    assert (failure.message if failure else None) == message


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=-3"])
def test_invalid_page_size_without_check_returns_a_page(query: str) -> None:
    assert ids(list_body(query))


def test_models_errors_have_the_envelope_and_need_no_body() -> None:
    assert MODELS.check_readable(models_request()) is None
    body = body_of(MODELS.error(Failure("model_not_found"), models_request(model="gone"), IDENTITY))
    assert body["error"] == {"type": "not_found_error", "message": "model: gone"}


@pytest.mark.parametrize(
    ("name", "enabled", "adaptive", "efforts"),
    [
        ("claude-opus-4-7", False, True, ["low", "medium", "high", "xhigh", "max"]),
        ("claude-sonnet-4-6", True, True, ["low", "medium", "high", "max"]),
        ("claude-opus-4-5", True, False, ["low", "medium", "high"]),
        ("claude-haiku-4-5", True, False, []),
    ],
)
def test_model_has_thinking_and_efforts_of_recording(
    name: str, enabled: bool, adaptive: bool, efforts: list[str]
) -> None:
    plan = MODELS.own_response_from_models((), models_request(model=name), IDENTITY)
    assert isinstance(plan, Plan)
    capabilities = body_of(plan)["capabilities"]
    types = capabilities["thinking"]["types"]
    assert (types["enabled"]["supported"], types["adaptive"]["supported"]) == (enabled, adaptive)
    effort = capabilities["effort"]
    assert effort.pop("supported") is bool(efforts)
    assert [level for level, value in effort.items() if value["supported"]] == efforts
