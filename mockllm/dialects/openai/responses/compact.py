"""POST /v1/responses/compact: a long conversation as its user messages and one sealed item.

Nothing is compacted here: the item says nothing to this server, which takes it as any item of the model's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import pretty
from mockllm.core.randomness import HEX
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Usage
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.headers import PLAIN_HEAD, head
from mockllm.dialects.openai.model_families import DEFAULT_MODEL
from mockllm.dialects.openai.responses.check import check_input, check_readable
from mockllm.dialects.openai.responses.errors import error_plan
from mockllm.dialects.openai.responses.history import listed
from mockllm.dialects.openai.responses.items import SEALED
from mockllm.dialects.openai.responses.model_families import family_of
from mockllm.dialects.openai.responses.object import usage
from mockllm.dialects.openai.responses.request import InputRequest
from mockllm.dialects.openai.validators import missing

TOKENS: Final = 40
"""What a sealed item of ours is counted as."""


class CompactRequest(InputRequest):
    api = "compact"


class Compact:
    """See above."""

    name = "openai"
    api = "compact"
    generates = False
    request = CompactRequest

    def check(self, request: Request) -> Failure | None:
        wrong = check_input(request)
        return missing("model") if wrong is None and request.model is None else wrong

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(failure, request, stamp)

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, CompactRequest)
        id = stamp.ids.make("resp_", 50, alphabet=HEX)
        said = [item for item in request.items if item.get("role") == "user"]
        sealed = {
            "id": stamp.ids.make("cmp_", 50, alphabet=HEX),
            "type": "compaction",
            "encrypted_content": stamp.ids.make(SEALED, 64),
        }
        body = {
            "id": id,
            "object": "response.compaction",
            "created_at": stamp.second,
            "output": [*(listed(item, f"{id}.{place}") for place, item in enumerate(said)), sealed],
            "usage": usage(Usage(request.input_tokens, TOKENS), family_of(request.model or DEFAULT_MODEL)),
        }
        return Plan(head(200, PLAIN_HEAD, stamp), (EventStep(pretty(body), 0, "body"),))
