"""The list of models, and one model of the list."""

from __future__ import annotations

from collections.abc import Sequence

from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.dialects.openai.models import OpenAiModelsRequest
from mockllm.dialects.openai.provider import MODELS
from tests.dialects.openai.chat.chat_requests import IDENTITY


def models_request(model: str | None = None, method: str = "GET") -> OpenAiModelsRequest:
    return OpenAiModelsRequest(
        method=method, path="/v1/models", headers={}, path_variables={} if model is None else {"model": model}
    )


def body(request: OpenAiModelsRequest, rule_models: Sequence[str] = ()) -> Json:
    plan = MODELS.own_response_from_models(rule_models, request, IDENTITY)
    assert isinstance(plan, Plan)
    assert plan.head.status == 200
    (step,) = plan.steps
    assert isinstance(step, EventStep)
    return loads(step.payload)


def test_model_list_has_rule_models_first_without_duplicates() -> None:
    listed = body(models_request(), ["mine", "gpt-4o"])
    names = [entry["id"] for entry in listed["data"]]
    assert listed["object"] == "list"
    assert names[:2] == ["mine", "gpt-4o"]
    assert {"gpt-5", "gpt-5-2025-08-07", "gpt-6.2-astra", "gpt-5.6-terra"} < set(names)
    assert len(names) == len(set(names))
    assert all(list(entry) == ["id", "object", "created", "owned_by"] for entry in listed["data"])


def test_single_model_is_described() -> None:
    reported = body(models_request("mine"), ["mine"])
    assert (reported["id"], reported["object"]) == ("mine", "model")


def test_deleted_model_is_still_served() -> None:
    reported = body(models_request("mine", "DELETE"), ["mine"])
    assert reported == {"object": "model", "id": "mine", "deleted": True}
    assert body(models_request("mine"))["id"] == "mine"


def test_any_single_model_is_known() -> None:
    assert body(models_request("none"), ["mine"])["id"] == "none"


def test_models_request_always_passes_the_check() -> None:
    assert MODELS.check(models_request()) is None
    assert MODELS.check_readable(models_request()) is None
    assert (MODELS.name, MODELS.api, MODELS.generates) == ("openai", "models", False)
