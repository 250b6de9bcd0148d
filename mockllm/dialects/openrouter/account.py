"""GET /api/v1/key and /api/v1/credits: what an account and its key may spend, which is constant.

From the types of the `openrouter` package (1.3); neither was recorded. The key has no limit and no budget.
"""

from __future__ import annotations

from typing import ClassVar, Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import UncheckedOpenAiCall
from mockllm.dialects.vendors.errors import VendorCall, head

CREDITS: Final[dict[str, Json]] = {"total_credits": 100.0, "total_usage": 0.0}
_PERIODS: Final = ("", "_daily", "_weekly", "_monthly")
KEY: Final[dict[str, Json]] = {
    "label": "sk-or-v1-0e6...1c96",
    "is_management_key": False,
    "is_provisioning_key": False,
    "limit": None,
    "limit_reset": None,
    "limit_remaining": None,
    "include_byok_in_limit": False,
    **{f"usage{period}": 0.0 for period in _PERIODS},
    **{f"byok_usage{period}": 0.0 for period in _PERIODS},
    "is_free_tier": False,
    "expires_at": None,
    "creator_user_id": "user_2dHFtVWx2n56w6HkM0000000000",
    "organization_id": None,
    "workspace_id": None,
    "allowed_data_regions": ["global"],
    "budgets": [],
    "effective_budget": None,
    "free_model_daily_requests": {"limit": 1000, "remaining": 1000, "used": 0},
    "rate_limit": {"requests": -1, "interval": "10s", "note": "Deprecated."},
}


class CreditsRequest(Request):
    dialect = "openai"
    api = "credits"


class Credits(VendorCall, UncheckedOpenAiCall):
    """The credits of the account."""

    api = "credits"
    request_class: type[Request] = CreditsRequest
    data: ClassVar[dict[str, Json]] = CREDITS

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan:
        body = dumps({"data": self.data})
        return Plan(head(self.vendor, identity, self.vendor.media), (EventStep(body, 0, "body"),))


class KeyRequest(Request):
    dialect = "openai"
    api = "key"


class Key(Credits):
    """The key of the request."""

    api = "key"
    request_class = KeyRequest
    data = KEY
