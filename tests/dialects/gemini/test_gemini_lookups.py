"""countTokens, and the lists of models."""

from __future__ import annotations

from typing import Any

from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import Plan
from mockllm.dialects.dialect import own_response_of
from mockllm.dialects.router import RouteMatch, find_route
from tests.dialects.gemini.generate_requests import IDENTITY, VERTEX, body_of


def lookup_body(method: str, path: str, body: Json = None, query: str = "") -> Any:
    match = find_route(method, path, {"x-goog-api-key": "k"}, query)
    assert isinstance(match, RouteMatch)
    request = match.dialect.request_class(
        method=method,
        path=match.path,
        headers={},
        raw=dumps(body) if body is not None else b"",
        query_string=query,
        path_variables=match.path_variables,
    )
    own_response = own_response_of(match.dialect, ["mine", "gemini-2.5-pro"])
    assert own_response is not None
    plan = own_response(request, IDENTITY)
    assert isinstance(plan, Plan)
    assert plan.head.status == 200
    return body_of(plan)


CONTENTS: Json = [{"role": "user", "parts": [{"text": "How many tokens are this?"}]}]


def test_count_tokens_returns_the_estimate() -> None:
    counted = lookup_body("POST", "/v1beta/models/x:countTokens", {"contents": CONTENTS})
    tokens = counted["totalTokens"]
    assert tokens > 5
    assert counted == {
        "totalTokens": tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}],
    }
    inner = {"contents": CONTENTS, "system_instruction": {"parts": {"text": "Be brief."}}}
    request = {"generate_content_request": inner}
    assert lookup_body("POST", "/v1beta/models/x:countTokens", request)["totalTokens"] > tokens


def test_vertex_count_has_billable_characters() -> None:
    body = {"contents": CONTENTS, "systemInstruction": {"parts": [{"text": "a b"}]}}
    counted = lookup_body("POST", f"{VERTEX}/models/x:countTokens", body)
    assert counted["totalBillableCharacters"] == len("Howmanytokensarethis?ab")
    assert lookup_body("POST", f"{VERTEX}/models/x:countTokens", {})["totalBillableCharacters"] == 0


def names(page: Any) -> list[str]:
    return [model["name"] for model in page["models"]]


def test_model_list_has_rule_models_first_without_duplicates() -> None:
    page = lookup_body("GET", "/v1beta/models")
    match = names(page)
    assert match[:2] == ["models/mine", "models/gemini-2.5-pro"]
    assert len(match) == len(set(match)) > 5
    assert "nextPageToken" not in page


def test_model_pages_follow_their_tokens() -> None:
    all_names = names(lookup_body("GET", "/v1beta/models"))
    first = lookup_body("GET", "/v1beta/models", query="pageSize=8")
    second = lookup_body("GET", "/v1beta/models", query=f"pageSize=8&pageToken={first['nextPageToken']}")
    assert names(first) + names(second) == all_names
    assert "nextPageToken" not in second
    assert names(lookup_body("GET", "/v1beta/models", query="pageSize=x&pageToken=9999999999")) == all_names


def test_single_model_is_described() -> None:
    model = lookup_body("GET", "/v1beta/models/gemini-2.5-flash")
    assert (model["name"], model["displayName"]) == ("models/gemini-2.5-flash", "Gemini 2.5 Flash")
    assert lookup_body("GET", "/v1/models/nobody/knows")["name"] == "models/nobody/knows"


def test_vertex_models_have_publisher_names() -> None:
    page = lookup_body("GET", "/v1beta1/publishers/google/models")
    assert page["publisherModels"][0]["name"] == "publishers/google/models/mine"
    model = lookup_body("GET", "/v1beta1/publishers/google/models/x")
    assert model["publisherModelTemplate"].endswith("{location}/publishers/google/models/x")
