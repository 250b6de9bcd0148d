"""The name of Anthropic's protocol, as `dialect` of requests and in the extras and native parts of replies."""

from __future__ import annotations

from typing import Final

DIALECT: Final = "anthropic"
