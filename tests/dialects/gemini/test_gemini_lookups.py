"""countTokens, and the lists of models."""

from __future__ import annotations

from typing import Any

from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import Plan
from mockllm.dialects.dialect import LookupDialect
from mockllm.dialects.routes import RouteMatch, find
from tests.dialects.gemini.generate_requests import STAMP, VERTEX, body_of


def asked(method: str, path: str, body: Json = None, query: str = "") -> Any:
    found = find(method, path, {"x-goog-api-key": "k"}, query)
    assert isinstance(found, RouteMatch)
    dialect: LookupDialect = found.dialect  # type: ignore[assignment]
    request = dialect.request(
        method=method,
        path=found.path,
        headers={},
        raw=dumps(body) if body is not None else b"",
        query_string=query,
        route=found.route,
    )
    plan = dialect.answer(request, ["mine", "gemini-2.5-pro"], STAMP)
    assert isinstance(plan, Plan)
    assert plan.head.status == 200
    return body_of(plan)


CONTENTS: Json = [{"role": "user", "parts": [{"text": "How many tokens are this?"}]}]


def test_tokens_are_counted() -> None:
    counted = asked("POST", "/v1beta/models/x:countTokens", {"contents": CONTENTS})
    tokens = counted["totalTokens"]
    assert tokens > 5
    assert counted == {
        "totalTokens": tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}],
    }
    inner = {"contents": CONTENTS, "system_instruction": {"parts": {"text": "Be brief."}}}
    request = {"generate_content_request": inner}
    assert asked("POST", "/v1beta/models/x:countTokens", request)["totalTokens"] > tokens


def test_vertex_counts_characters_too() -> None:
    body = {"contents": CONTENTS, "systemInstruction": {"parts": [{"text": "a b"}]}}
    counted = asked("POST", f"{VERTEX}/models/x:countTokens", body)
    assert counted["totalBillableCharacters"] == len("Howmanytokensarethis?ab")
    assert asked("POST", f"{VERTEX}/models/x:countTokens", {})["totalBillableCharacters"] == 0


def names(page: Any) -> list[str]:
    return [model["name"] for model in page["models"]]


def test_the_rules_models_come_first_and_each_once() -> None:
    page = asked("GET", "/v1beta/models")
    found = names(page)
    assert found[:2] == ["models/mine", "models/gemini-2.5-pro"]
    assert len(found) == len(set(found)) > 5
    assert "nextPageToken" not in page


def test_pages() -> None:
    whole = names(asked("GET", "/v1beta/models"))
    first = asked("GET", "/v1beta/models", query="pageSize=5")
    second = asked("GET", "/v1beta/models", query=f"pageSize=5&pageToken={first['nextPageToken']}")
    assert names(first) + names(second) == whole
    assert "nextPageToken" not in second
    assert names(asked("GET", "/v1beta/models", query="pageSize=x&pageToken=9999999999")) == whole


def test_one_model() -> None:
    model = asked("GET", "/v1beta/models/gemini-2.5-flash")
    assert (model["name"], model["displayName"]) == ("models/gemini-2.5-flash", "Gemini 2.5 Flash")
    assert asked("GET", "/v1/models/nobody/knows")["name"] == "models/nobody/knows"


def test_models_of_vertex() -> None:
    page = asked("GET", "/v1beta1/publishers/google/models")
    assert page["publisherModels"][0]["name"] == "publishers/google/models/mine"
    model = asked("GET", "/v1beta1/publishers/google/models/x")
    assert model["publisherModelTemplate"].endswith("{location}/publishers/google/models/x")
