"""A webhook as data: what a provider sends to a client's address when something has ended. The server sends it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from hashlib import sha256
from hmac import digest
from typing import NamedTuple


class Webhook(NamedTuple):
    """One event for one address. `due` is when it is sent, in seconds on a monotonic clock. A webhook replaces those
    of its `subject` that were not sent yet: a response that is cancelled is not completed. `ends` is the id of a
    stored response whose end it reports: it is not sent if that was cancelled before it is due. `rule` is the id of
    the rule that requests it; empty for an endpoint that a client has registered."""

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
    """Return the key of a signing secret: what follows `whsec_` is base64."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return b64decode(secret[6:])
    except Error:
        return secret.encode()
