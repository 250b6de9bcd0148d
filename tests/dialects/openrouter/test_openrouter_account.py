"""OpenRouter's calls on the key and on the credits. The members are those of the types of its package."""

from __future__ import annotations

from mockllm.core.json.codec import Json
from tests.language.virtual_server import ClientResponse, raw_request, respond_once

RULES = "rules: [{match: {api: credits}, error: {status: 402}}]"
KEY_MEMBERS = """
allowed_data_regions budgets byok_usage byok_usage_daily byok_usage_monthly byok_usage_weekly creator_user_id
effective_budget expires_at free_model_daily_requests include_byok_in_limit is_free_tier is_management_key
is_provisioning_key label limit limit_remaining limit_reset organization_id rate_limit usage usage_daily usage_monthly
usage_weekly workspace_id
"""


def get(call: str, rules: str = "rules: [{reply: hi}]") -> ClientResponse:
    return respond_once(rules, raw_request(f"/openrouter/api/v1/{call}", method="GET"))


def test_key_has_no_limit() -> None:
    response = get("key")
    data: dict[str, Json] = response.json["data"]
    assert response.status == 200
    assert sorted(data) == KEY_MEMBERS.split()
    assert (data["limit"], data["usage"], data["budgets"]) == (None, 0.0, [])


def test_credits_have_a_total_and_a_usage() -> None:
    assert get("credits").json == {"data": {"total_credits": 100.0, "total_usage": 0.0}}


def test_rule_refuses_the_credits() -> None:
    refused = get("credits", RULES)
    assert (refused.status, refused.json["error"]["code"]) == (402, 402)
