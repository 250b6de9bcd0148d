"""Z.ai as a vendor of OpenAI's protocol.

Non-streaming responses are from recordings of 2026. Streams and errors are from its packages and documentation.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.randomness import HEX, Ids
from mockllm.dialects.openai.errors import INVALID, ROWS, OpenAiErrorRow, OpenAiErrorRows
from mockllm.dialects.vendors.errors import rows
from mockllm.dialects.vendors.request_edits import without_schemas
from mockllm.dialects.vendors.vendor import Vendor, VendorChatForm, VendorErrors, VendorIdFormat
from mockllm.dialects.zai.encoder import Zai, zai_usage


def envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return the body of an error: a code of digits and a message. Its documentation has the codes for a parameter
    that is missing (1213) or invalid (1214), and for wrong parameters (1210)."""
    own = {name: value for name, value in inner.items() if name not in ("type", "param")}
    code, usual = inner["code"], str(status)
    if status == 400:
        usual = "1213" if code == "missing_required_parameter" else "1214" if inner.get("param") else "1210"
    return {"error": {**own, "code": code if type(code) is str and code.isdecimal() else usual}}


def _rows() -> OpenAiErrorRows:
    return rows(
        {},
        bad_request=replace(ROWS["bad_request"], code="1210"),
        authentication=OpenAiErrorRow(401, INVALID, "1000", "Authentication Failed"),
        model_not_found=OpenAiErrorRow(400, INVALID, "1211", "Unknown Model, please check the model code."),
        context_length=replace(
            ROWS["context_length"],
            code="1261",
            message="Prompt exceeds max length: {tokens} tokens, and the limit is {limit}",
        ),
        content_filter=OpenAiErrorRow(
            400, INVALID, "1301", "System detected potentially unsafe or sensitive content."
        ),
        rate_limit=replace(ROWS["rate_limit"], code="1302", message="Rate limit reached for requests"),
        insufficient_quota=OpenAiErrorRow(
            429, INVALID, "1113", "Insufficient balance or no resource package. Please recharge."
        ),
        server_error=replace(ROWS["server_error"], code="500", message="Internal server error."),
    )


VENDOR: Final = Vendor(
    "zai",
    Zai,
    title="Z.ai",
    hosts=("api.z.ai", "open.bigmodel.cn"),
    bases=("/api/paas/v4", "/api/coding/paas/v4"),
    model="glm-5.3",
    form=VendorChatForm(
        id=VendorIdFormat("20260821050219", 16, HEX),
        call_id=VendorIdFormat("call_", 24),
        thinking="reasoning_content",
        without_text={"content": ""},
        indexed_calls=True,
        complete_calls=True,
        usage=zai_usage,
        usage_chunk="finish",
        always_usage=True,
        media="text/event-stream;charset=UTF-8",
    ),
    errors=VendorErrors(_rows(), envelope),
    media="application/json; charset=UTF-8",
    openai_request=without_schemas,
)
