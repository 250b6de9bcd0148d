"""What models of Gemini refuse."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.dialects.gemini.generate import GENERATE
from tests.dialects.gemini.generate_requests import VERTEX, generate

HI: Json = {"role": "user", "parts": [{"text": "hi"}]}
MODEL_TURN: Json = {"role": "model", "parts": [{"text": "So"}]}
NO_LEVEL = "Thinking level is not supported for this model."
NO_MINIMAL = "Thinking level MINIMAL is not supported for this model."
NO_VALUE = (
    "Invalid value at 'generation_config.thinking_config.thinking_level' "
    "(type.googleapis.com/google.ai.generativelanguage.v1beta.ThinkingConfig.ThinkingLevel)"
)
NO_ZERO = "Budget 0 is invalid. This model only works in thinking mode."
BOTH = "You can only set only one of thinking budget and thinking level."
NO_CANDIDATES = "Multiple candidates is not enabled for this model"
NO_PENALTY = "Penalty is not enabled for this model"
LOOK: Json = [{"functionDeclarations": [{"name": "look"}]}]
NO_MODEL_TURN = "Requests ending with a model turn are not supported."


def refusal(model: str, base: str = "/v1beta", *, contents: Json = None, **config: Json) -> str | None:
    request = generate(model=model, base=base, contents=contents or [HI], generationConfig=config)
    failure = GENERATE.check(request)
    return None if failure is None else failure.message


@pytest.mark.parametrize(
    ("model", "thinking", "message"),
    [
        ("gemini-2.5-flash", {"thinkingLevel": "low"}, NO_LEVEL),
        ("gemini-2.5-pro", {"thinkingBudget": 0}, NO_ZERO),
        ("gemini-2.5-flash", {"thinkingBudget": 0}, None),
        ("gemini-3.1-pro-preview", {"thinkingBudget": "0"}, NO_ZERO),
        ("gemini-3.1-pro-preview", {"includeThoughts": True}, None),
        ("gemini-3.1-pro-preview", {"thinkingLevel": "MINIMAL"}, NO_MINIMAL),
        ("gemini-3.8-flash", {"thinkingLevel": "minimal"}, NO_MINIMAL),
        ("gemini-3.8-flash", {"thinkingLevel": "low"}, None),
        ("gemini-3.6-flash", {"thinkingLevel": "minimal"}, None),
        ("gemini-3.5-flash", {"thinkingLevel": "high", "thinkingBudget": 5}, BOTH),
        ("my-model", {"thinkingLevel": "high", "thinkingBudget": 0}, None),
        ("gemini-3.8-flash", {"thinkingLevel": 3}, None),
        ("gemini-2.5-flash", {"thinkingLevel": 3}, NO_LEVEL),
        ("gemini-2.5-flash", {"thinkingLevel": 0, "thinkingBudget": 5}, None),
        ("gemini-2.5-flash", {"thinkingLevel": "thinking_level_unspecified"}, None),
        ("gemini-3.1-pro-preview", {"thinkingLevel": 0, "thinkingBudget": 0}, NO_ZERO),
        ("gemini-3.8-flash", {"thinkingLevel": "none"}, f'{NO_VALUE}, "none"'),
        ("gemini-3.8-flash", {"thinkingLevel": True}, f"{NO_VALUE}, true"),
        ("gemini-3.8-flash", {"thinkingLevel": None}, None),
    ],
)
def test_thinking_that_a_model_refuses(model: str, thinking: Json, message: str | None) -> None:
    assert refusal(model, thinkingConfig=thinking) == message


@pytest.mark.parametrize(
    ("model", "config", "message"),
    [
        ("gemini-3.5-flash", {"candidateCount": 2}, NO_CANDIDATES),
        ("gemini-3.5-flash", {"candidateCount": 1}, None),
        ("gemini-2.5-flash", {"candidateCount": 8}, None),
        ("gemini-2.5-flash", {"presencePenalty": 0.5}, NO_PENALTY),
        ("gemini-3.6-flash", {"frequencyPenalty": -0.5}, NO_PENALTY),
        ("gemini-3.6-flash", {"frequencyPenalty": 0}, None),
        ("my-model", {"candidateCount": 2, "presencePenalty": 0.5}, None),
    ],
)
def test_settings_that_a_model_refuses(model: str, config: dict[str, Json], message: str | None) -> None:
    assert refusal(model, **config) == message


@pytest.mark.parametrize(
    ("model", "contents", "message"),
    [
        ("gemini-3.6-flash", [HI, MODEL_TURN], NO_MODEL_TURN),
        ("gemini-4-argon", [HI, MODEL_TURN], NO_MODEL_TURN),
        ("gemini-3.6-flash", [HI, MODEL_TURN, HI], None),
        ("gemini-3.5-flash", [HI, MODEL_TURN], None),
    ],
)
def test_model_turn_at_the_end(model: str, contents: Json, message: str | None) -> None:
    assert refusal(model, contents=contents) == message


def test_vertex_ai_refuses_what_a_model_refuses() -> None:
    assert refusal("gemini-3.8-flash", VERTEX, contents=[HI, MODEL_TURN]) == NO_MODEL_TURN
    assert refusal("gemini-2.5-flash", VERTEX, presencePenalty=0.5) is None


NO_FUNCTIONS = "Function calling config is set without function_declarations."
SEARCH: Json = [{"googleSearch": {}}]


@pytest.mark.parametrize(
    ("model", "mode", "tools", "message"),
    [
        ("gemini-2.5-flash", "ANY", None, NO_FUNCTIONS),
        ("gemini-2.5-pro", "auto", SEARCH, NO_FUNCTIONS),
        ("gemini-2.0-flash", "VALIDATED", SEARCH, NO_FUNCTIONS),
        ("gemini-2.5-flash", "ANY", LOOK, None),
        ("gemini-2.5-flash", "NONE", SEARCH, None),
        ("gemini-2.5-flash", None, SEARCH, None),
        ("gemini-3.5-flash", "AUTO", SEARCH, None),
        ("my-model", "ANY", None, None),
    ],
)
def test_older_models_refuse_calls_without_functions(
    model: str, mode: Json, tools: Json, message: str | None
) -> None:
    config = {"functionCallingConfig": {"mode": mode}}
    failure = GENERATE.check(generate(model=model, tools=tools, toolConfig=config))
    assert (None if failure is None else failure.message) == message
    assert GENERATE.check(generate(model=model, base=VERTEX, tools=tools, toolConfig=config)) is None


NO_JSON = "Function calling with a response mime type: 'application/json' is unsupported"


@pytest.mark.parametrize(
    ("model", "base", "more", "message"),
    [
        ("gemini-2.5-flash", "/v1beta", {"tools": LOOK}, NO_JSON),
        ("gemini-2.0-flash", "/v1beta", {"tools": LOOK}, NO_JSON),
        ("gemini-1.5-pro-002", "/v1beta", {"tools": LOOK}, NO_JSON),
        ("gemini-3-flash-preview", "/v1beta", {"tools": LOOK}, None),
        ("gemini-2.5-flash", VERTEX, {"tools": LOOK}, None),
        ("gemini-2.5-flash", "/v1beta", {}, None),
        (
            "gemini-2.5-flash",
            "/v1beta",
            {"tools": LOOK, "toolConfig": {"functionCallingConfig": {"mode": "NONE"}}},
            None,
        ),
        ("my-model", "/v1beta", {"tools": LOOK}, None),
    ],
)
def test_older_models_refuse_json_beside_functions(
    model: str, base: str, more: dict[str, Json], message: str | None
) -> None:
    config = {"responseMimeType": "application/json"}
    failure = GENERATE.check(generate(model=model, base=base, generationConfig=config, **more))
    assert (None if failure is None else failure.message) == message
    assert GENERATE.check(generate(model=model, base=base, **more)) is None
