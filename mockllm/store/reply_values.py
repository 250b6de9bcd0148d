"""The values in a store's replies to its commands. A reply of another kind is that of a server that is no store."""

from __future__ import annotations

from mockllm.store.connection import STRANGE_REPLY, StoreRefused, StoreReply


def bytes_of(reply: StoreReply) -> bytes:
    """Return a reply that is bytes. Raises StoreRefused for another one, as all functions here do."""
    if not isinstance(reply, bytes):
        raise StoreRefused(STRANGE_REPLY)
    return reply


def value_of(reply: StoreReply) -> bytes | None:
    """Return the value of a key or field; None where there is none."""
    return None if reply is None else bytes_of(reply)


def number_of(reply: StoreReply) -> int:
    """Return a reply that is a whole number."""
    if not isinstance(reply, int):
        raise StoreRefused(STRANGE_REPLY)
    return reply


def list_of(reply: StoreReply) -> list[StoreReply]:
    """Return a reply that is a list."""
    if not isinstance(reply, list):
        raise StoreRefused(STRANGE_REPLY)
    return reply


def names_of(reply: StoreReply) -> list[bytes]:
    """Return a list of bytes, such as the members of a set."""
    return [bytes_of(each) for each in list_of(reply)]


def page_of(reply: StoreReply) -> tuple[bytes, list[bytes]]:
    """Return what `SCAN` replies: the next cursor, and keys."""
    page = list_of(reply)
    if len(page) != 2:
        raise StoreRefused(STRANGE_REPLY)
    return bytes_of(page[0]), names_of(page[1])
