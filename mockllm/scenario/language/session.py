"""The id of a session, as files and control calls write it."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from mockllm.core.request.server_address import MAX_SESSION_ID
from mockllm.scenario.text_forms import SESSION

SessionId: TypeAlias = Annotated[str, Field(max_length=MAX_SESSION_ID, pattern=SESSION)]
