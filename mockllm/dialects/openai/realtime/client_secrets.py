"""POST /v1/realtime/client_secrets: a key for a browser, which any session accepts.

Source: `ClientSecretCreateResponse` of the openai package; no recording was at hand.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import count_of, object_of, text_of
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import UncheckedOpenAiCall
from mockllm.dialects.openai.headers import body_plan
from mockllm.dialects.openai.realtime.settings import TRANSCRIPTION, merged, new_session

DEFAULT_MODEL: Final = "gpt-realtime"
DEFAULT_SECONDS: Final = 600
"""How long the key is valid, as it says."""


class ClientSecretRequest(Request):
    dialect = "openai"
    api = "client_secrets"


class ClientSecrets(UncheckedOpenAiCall):
    """The call that makes a key."""

    api = "client_secrets"
    request_class = ClientSecretRequest

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        wanted = object_of(request.fields.get("session"))
        kind = TRANSCRIPTION if wanted.get("type") == TRANSCRIPTION else "realtime"
        model = text_of(wanted.get("model")) or DEFAULT_MODEL
        session = new_session(identity.ids.make("sess_", 21), model, identity.epoch_second, kind)
        lifetime = count_of(object_of(request.fields.get("expires_after")).get("seconds")) or DEFAULT_SECONDS
        secret: dict[str, Json] = {
            "value": identity.ids.make("ek_mock_", 32, "secret"),
            "expires_at": identity.epoch_second + lifetime,
            "session": merged(session, {name: wanted[name] for name in wanted if name not in ("id", "type")}),
        }
        return body_plan(secret, identity)
