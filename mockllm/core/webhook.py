"""A webhook as data: what a provider sends to a client's address when something has ended. The server sends it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import sha256
from hmac import digest
from typing import Final, NamedTuple

BASE64_PREFIX: Final = "whsec_"


class Webhook(NamedTuple):
    """One event for one address. `due` is when it is sent, in seconds on a monotonic clock. `id` is for the receiver:
    a replayed seed token or a reset makes equal ids. `subject` names the object whose state the event reports, and
    the endpoint. The webhook replaces those of its subject that were not sent yet: a response that is cancelled is
    not completed. With an empty subject it replaces none, and none replaces it. `ends` is the id of a stored object
    whose end it reports. If that was cancelled or deleted before, it is not sent. `rule` is the id of the rule that
    requests it; empty for an endpoint that a client has registered."""

    due: float
    url: str
    secret: str
    id: str
    payload: bytes
    subject: str
    ends: str = ""
    rule: str = ""

    def scaled(self, factor: float, monotonic: float) -> Webhook:
        """Return the webhook of a server whose time has this factor; `monotonic` is when it was planned."""
        return self._replace(due=monotonic + (self.due - monotonic) * factor)

    def headers(self, second: int) -> dict[str, str]:
        """Return the headers of an attempt at this second since the epoch. The signature is that of the
        specification "Standard Webhooks", version 1; without a secret there is none."""
        if not self.secret:
            return {"content-type": "application/json"}
        signed = b"%b.%d.%b" % (self.id.encode(), second, self.payload)
        signature = b64encode(digest(secret_key(self.secret), signed, sha256)).decode()
        return {
            "content-type": "application/json",
            "webhook-id": self.id,
            "webhook-timestamp": str(second),
            "webhook-signature": f"v1,{signature}",
        }


def secret_key(secret: str) -> bytes:
    """Return the key of a signing secret: what follows `whsec_` is base64. Another text is the key itself, and so is
    an invalid secret."""
    if not secret.startswith(BASE64_PREFIX):
        return secret.encode()
    try:
        return b64decode(secret.removeprefix(BASE64_PREFIX))
    except ValueError:
        return secret.encode()


def is_valid_secret(secret: str) -> bool:
    """Return whether what follows `whsec_`, if a secret begins so, is base64."""
    try:
        b64decode(secret.removeprefix(BASE64_PREFIX) if secret.startswith(BASE64_PREFIX) else "")
    except ValueError:
        return False
    return True
