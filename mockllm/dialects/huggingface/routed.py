"""The chats of single providers behind Hugging Face's router, which forwards their responses.

Together's form is from recordings of January 2026, Novita's stream from one of August 2026. Novita's refusal of a
body was recorded in June 2026. Their other errors are those of the rows that they change, and were not verified.
Fireworks' form and errors are from recordings of DeepSeek V4 of May and August 2026; that of calls is inferred, and
probabilities are left out.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.randomness import HEX, Ids
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Choice, Reply, Usage
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.huggingface.vendor import VENDOR, envelope
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.together.encoder import Together
from mockllm.dialects.together.vendor import VENDOR as TOGETHER_ROW
from mockllm.dialects.vendors.chat import VendorChat, VendorEncoder
from mockllm.dialects.vendors.vendor import Vendor, VendorIdFormat


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
    """Novita behind the router. The first chunk has the role alone. Each chunk has the time of the response, in
    microseconds, and a constant as the time to the first token."""

    def __init__(
        self, reply: Reply, request: ChatRequest, identity: ResponseIdentity, vendor: Vendor
    ) -> None:
        super().__init__(reply, request, identity, vendor)
        metrics = {"ttft_ms": 274, "ts_us": identity.epoch_second * 1_000_000 + 308_596}
        self.form = replace(self.form, chunk={**self.form.chunk, "sla_metrics": metrics})

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return {"role": "assistant"}


class RoutedFireworks(VendorEncoder):
    """Fireworks behind the router. The choice of a chunk has its raw output, which is null."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return {"role": "assistant"}

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        result = super().choice(content, finish)
        return {**result, "raw_output": None} if "delta" in content else result


def _fireworks_usage(counted: Usage) -> dict[str, Json]:
    plain = plain_usage(counted)
    order = {name: plain[name] for name in ("prompt_tokens", "total_tokens", "completion_tokens")}
    return {**order, "prompt_tokens_details": {"cached_tokens": counted.cache_read}}


def _fireworks_error(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return the error of Fireworks. A refusal of the router stays a text."""
    body = envelope(inner, status, ids)
    error = body["error"]
    if type(error) is not dict:
        return body
    own = {name: value for name, value in error.items() if name != "param"}
    return {"error": {"object": "error", **own, "code": own["code"] or own["type"]}}


def _novita_error(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return Novita's refusal of a body. Others, such as that of an unknown model, are the router's."""
    if status != 400 or inner["code"] == "model_not_found":
        return envelope(inner, status, ids)
    own = {name: value for name, value in inner.items() if name not in ("message", "type", "param", "code")}
    error = {"code": 400, "reason": "INVALID_REQUEST_BODY", "message": inner["message"], "metadata": {}}
    return {**error, **own}


def _novita_usage(counted: Usage) -> dict[str, Json]:
    return {**plain_usage(counted), "prompt_tokens_details": None, "completion_tokens_details": None}


def _deepseek_usage(counted: Usage) -> dict[str, Json]:
    return {**plain_usage(counted), "cached_tokens": counted.cache_read}


_form: Final = replace(TOGETHER_ROW.form, without_text={"content": ""}, usage=plain_usage)
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
    TOGETHER_ROW,
    encoder=RoutedTogether,
    openai_request=VENDOR.openai_request,
    form=replace(
        _form,
        body={**_form.body, "metadata": {"weight_version": "default"}},
        message={**_form.message, "reasoning": None},
    ),
    headers=EXPOSED,
    success_headers={"retry-after": "2"},
)
NOVITA: Final = replace(
    VENDOR,
    encoder=RoutedNovita,
    form=replace(
        VENDOR.form,
        chunk={"system_fingerprint": ""},
        choice={},
        usage=_novita_usage,
        always_usage=True,
    ),
    errors=replace(VENDOR.errors, envelope=_novita_error),
)
FIREWORKS: Final = replace(
    VENDOR,
    encoder=RoutedFireworks,
    form=replace(
        VENDOR.form,
        id=VendorIdFormat("7_GmRPQ8SMgyC7mq-chatcmpl-", 7, HEX),
        body={},
        chunk={},
        choice={},
        thinking="reasoning_content",
        usage=_fireworks_usage,
        null_usage=True,
        media="text/event-stream; charset=utf-8",
    ),
    errors=replace(VENDOR.errors, envelope=_fireworks_error),
)


class RouterChat(VendorChat):
    """The router's own chat. Fireworks serves DeepSeek V4, as recorded, and models with `:fireworks-ai`."""

    fireworks = VendorChat(FIREWORKS)

    def __init__(self, vendor: Vendor) -> None:
        super().__init__(vendor)
        self._own = VendorChat(vendor)

    def _serving(self, request: Request) -> VendorChat:
        model = request.model or ""
        is_fireworks = model.startswith("deepseek-ai/DeepSeek-V4") or model.endswith(":fireworks-ai")
        return self.fireworks if is_fireworks else self._own

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return self._serving(request).error(failure, request, identity)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        return self._serving(request).supported_reply(reply, request)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return self._serving(request).encode_body(reply, request, identity)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return self._serving(request).encode_stream(reply, request, identity)
