"""The chats of single providers behind Hugging Face's router, which forwards their responses.

Together's form is from recordings of January 2026, Novita's stream from one of August 2026. Errors are those of the
rows that they change, and were not verified.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Choice, Reply, Usage
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.vendors import VENDORS
from mockllm.dialects.vendors.chat import VendorEncoder
from mockllm.dialects.vendors.together import Together
from mockllm.dialects.vendors.vendor import Vendor

_together = next(vendor for vendor in VENDORS if vendor.name == "together")
_router = next(vendor for vendor in VENDORS if vendor.name == "huggingface")


class RoutedTogether(Together):
    """Together behind the router. A whole response has no seed, but for DeepSeek's models."""

    def __init__(
        self, reply: Reply, request: ChatRequest, identity: ResponseIdentity, vendor: Vendor
    ) -> None:
        self._is_deepseek = (reply.model or request.model or "").startswith("deepseek-ai/")
        own = replace(vendor, form=DEEPSEEK) if self._is_deepseek else vendor
        super().__init__(reply, request, identity, own)

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        result = super().choice(content, finish)
        return {**result, "seed": None} if "message" in content and not self._is_deepseek else result


class RoutedNovita(VendorEncoder):
    """Novita behind the router. The first chunk has the role alone."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return {"role": "assistant"}


def _novita_usage(counted: Usage) -> dict[str, Json]:
    return {**plain_usage(counted), "prompt_tokens_details": None, "completion_tokens_details": None}


def _deepseek_usage(counted: Usage) -> dict[str, Json]:
    return {**plain_usage(counted), "cached_tokens": counted.cached_read}


_form: Final = replace(_together.form, without_text={"content": ""}, usage=plain_usage)
DEEPSEEK: Final = replace(_form, usage=_deepseek_usage)
"""The form of DeepSeek's models, whose responses name no version of weights and count cached tokens."""
EXPOSED: Final = {
    "access-control-expose-headers": (
        "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,"
        "Content-Range,X-Linked-Size,X-Linked-ETag,X-Xet-Hash"
    )
}
"""The header by which the router differs from other web servers."""
TOGETHER: Final = replace(
    _together,
    encoder=RoutedTogether,
    openai_request=_router.openai_request,
    form=replace(
        _form,
        body={**_form.body, "metadata": {"weight_version": "default"}},
        message={**_form.message, "reasoning": None},
    ),
    headers=EXPOSED,
    success_headers={"retry-after": "2"},
)
NOVITA: Final = replace(
    _router,
    encoder=RoutedNovita,
    form=replace(
        _router.form,
        chunk={"system_fingerprint": "", "sla_metrics": {"ttft_ms": 274, "ts_us": 1786507380308596}},
        choice={},
        usage=_novita_usage,
        always_usage=True,
    ),
)
