"""What a store or the network says of a mistake, as one line for users, with what helps."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Final

OTHER_WRITER: Final = "another program writes its keys mockllm:*; use a separate database"
UNREADABLE: Final = f"an entry of the store cannot be read: {OTHER_WRITER}"
REMEDIES: Final[Mapping[str, str]] = {
    "NOAUTH": "write its password into the address, redis://:PASSWORD@HOST:PORT",
    "WRONGPASS": "correct the user and the password in its address",
    "NOPERM": "its user needs all commands on the keys mockllm:*",
    "MOVED": "it is a node of a cluster; use a server outside of a cluster",
    "CLUSTERDOWN": "use a server outside of a cluster",
    "CROSSSLOT": "use a server outside of a cluster",
    "READONLY": "it is a replica; use its primary",
    "OOM": "raise its maxmemory",
    "WRONGTYPE": OTHER_WRITER,
    "ERR user_function": OTHER_WRITER,
    "ERR user_script": OTHER_WRITER,
    "ERR max number of clients": "raise its maxclients",
}
"""What helps against a refusal that begins so."""
UNKNOWN_ISSUER: Final = (18, 19, 20, 21)
"""OpenSSL's codes of certificates whose CA is not trusted."""


def refusal_text(reply: str) -> str:
    """Return the refusal of a command, without the place in a script."""
    line = "".join(each if each.isprintable() else " " for each in reply.partition(" script: ")[0])
    line = line.strip().rstrip(".")
    remedy = next((remedy for begin, remedy in REMEDIES.items() if line.startswith(begin)), None)
    return line if remedy is None else f"{line}: {remedy}"


def error_text(error: OSError, authorities: str | None = None) -> str:
    """Return why there is no connection. `authorities` is the file that the address names with the CAs to trust."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return error.strerror or str(error)
    text = f"its certificate is refused: {error.verify_message}"
    if error.verify_code not in UNKNOWN_ISSUER:
        return text
    if authorities is not None:
        return f"{text}; {authorities} (ssl_ca_certs) does not have its CA"
    return f"{text}; SSL_CERT_FILE names a file with its CA"
