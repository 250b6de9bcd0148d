"""The list of models, and one of it."""

from __future__ import annotations

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.dialects.openai import MODELS
from mockllm.dialects.openai.models import OpenAiModelsRequest
from tests.dialects.openai.chat.chat_requests import STAMP


def asked(model: str | None = None, method: str = "GET") -> OpenAiModelsRequest:
    return OpenAiModelsRequest(
        method=method, path="/v1/models", headers={}, route={} if model is None else {"model": model}
    )


def body(plan: Plan | Failure) -> Json:
    assert isinstance(plan, Plan)
    assert plan.head.status == 200
    (step,) = plan.steps
    assert isinstance(step, EventStep)
    return loads(step.payload)


def test_the_list_holds_the_rules_models_first_and_each_once() -> None:
    listed = body(MODELS.answer(asked(), ["mine", "gpt-4o"], STAMP))
    names = [entry["id"] for entry in listed["data"]]
    assert listed["object"] == "list"
    assert names[:2] == ["mine", "gpt-4o"]
    assert {"gpt-5", "gpt-5-2025-08-07"} < set(names)
    assert len(names) == len(set(names))
    assert all(list(entry) == ["id", "object", "created", "owned_by"] for entry in listed["data"])


def test_one_model() -> None:
    told = body(MODELS.answer(asked("mine"), ["mine"], STAMP))
    assert (told["id"], told["object"]) == ("mine", "model")


def test_a_model_is_deleted_and_still_answers() -> None:
    told = body(MODELS.answer(asked("mine", "DELETE"), ["mine"], STAMP))
    assert told == {"object": "model", "id": "mine", "deleted": True}
    assert body(MODELS.answer(asked("mine"), [], STAMP))["id"] == "mine"


def test_any_model_that_is_asked_for_is_there_since_chat_answers_it() -> None:
    plan = MODELS.answer(asked("none"), ["mine"], STAMP)
    assert isinstance(plan, Plan)
    (step,) = plan.steps
    assert isinstance(step, EventStep)
    assert loads(step.payload)["id"] == "none"


def test_nothing_about_it_can_be_wrong() -> None:
    assert MODELS.check(asked()) is None
    assert MODELS.check_readable(asked()) is None
    assert (MODELS.name, MODELS.api, MODELS.generates) == ("openai", "models", False)
