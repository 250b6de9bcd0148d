"""The chats of single providers behind Hugging Face's router, which passes their responses on.

Together's form is from recordings of January 2026, Novita's stream from one of August 2026. Errors are those of the
rows that they change, and were not verified.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Choice, Usage
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.vendors import VENDORS
from mockllm.dialects.vendors.chat import VendorEncoder
from mockllm.dialects.vendors.encoders import Together

_together = next(vendor for vendor in VENDORS if vendor.name == "together")
_router = next(vendor for vendor in VENDORS if vendor.name == "huggingface")


class RoutedTogether(Together):
    """Together behind the router. A whole response has no seed."""

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        result = super().choice(content, finish)
        return {**result, "seed": None} if "message" in content else result


class RoutedNovita(VendorEncoder):
    """Novita behind the router. The first chunk has the role alone."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return {"role": "assistant"}


def _novita_usage(counted: Usage) -> dict[str, Json]:
    return {**plain_usage(counted), "prompt_tokens_details": None, "completion_tokens_details": None}


TOGETHER: Final = replace(
    _together,
    encoder=RoutedTogether,
    form=replace(
        _together.form,
        body={**_together.form.body, "metadata": {"weight_version": "default"}},
        message={**_together.form.message, "reasoning": None},
        without_text={"content": ""},
    ),
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
