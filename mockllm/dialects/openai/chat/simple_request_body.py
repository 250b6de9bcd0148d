"""The form of chat requests with few messages that all checks of `check.py` accept. Vendors may add checks of their
own.

Such a body has a model, a few messages of a role and a text, and no other fields than the usual ones. Most requests
of load tests are so. The full check runs a dozen functions, whose code a busy server fetches from memory each time.
That costs 2 to 3 µs of the 20 to 30 µs that the request takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, ValidationError, convert

from mockllm.core.json.codec import Json
from mockllm.dialects.openai.metadata import MAX_METADATA, MAX_NAME, MAX_VALUE
from mockllm.dialects.openai.model_restrictions import NO_RESTRICTIONS, restrictions_of

_MAX_MESSAGES: Final = 8
"""Most bodies with more messages are divided. The full check reads only the new messages of a divided body."""
_MAX_TOKENS: Final = 1_000_000

_Name = Annotated[str, Meta(max_length=MAX_NAME)]
_Value = Annotated[str, Meta(max_length=MAX_VALUE)]


class PlainMessage(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A message of a role and a text, and nothing else."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str


class SimpleRequestBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of such a request, with values that all models without restrictions accept."""

    model: Annotated[str, Meta(min_length=1)]
    messages: Annotated[list[PlainMessage], Meta(min_length=1, max_length=_MAX_MESSAGES)]
    stream: bool | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Meta(gt=0, le=_MAX_TOKENS)] | None = None
    metadata: Annotated[dict[_Name, _Value], Meta(max_length=MAX_METADATA)] | None = None


class _PlainMessages(Struct, frozen=True):
    """A body whose messages are plain, whatever its other fields are."""

    messages: list[PlainMessage]


_FIELDS: Final = frozenset(SimpleRequestBody.__struct_fields__)


def simple_request_body(fields: dict[str, Json]) -> SimpleRequestBody | None:
    """Return the body; None if it does not have this form, or has settings or roles that its model may refuse."""
    if not fields.keys() <= _FIELDS or not _may_be_plain(fields.get("messages")):
        return None
    try:
        body = convert(fields, SimpleRequestBody)
    except ValidationError:
        return None
    restrictions = restrictions_of(body.model)
    if restrictions is not NO_RESTRICTIONS:
        has_settings = len(fields) > 2 + ("stream" in fields)
        if has_settings or any(message.role in restrictions.roles for message in body.messages):
            return None
    return body


def read_plain_messages(fields: dict[str, Json]) -> Sequence[PlainMessage] | None:
    """Return the messages of a body, where all are plain; else None."""
    if not _may_be_plain(fields.get("messages")):
        return None
    try:
        return convert(fields, _PlainMessages).messages
    except ValidationError:
        return None


def _may_be_plain(messages: Json) -> bool:
    """Return whether each message has two members: without this test, `convert` takes ten times as long to fail."""
    if type(messages) is not list:
        return False
    for message in reversed(messages):
        # an agent's last message is usually a tool result, which ends the loop
        if type(message) is not dict or len(message) != 2:
            break
    else:
        return True
    return False
