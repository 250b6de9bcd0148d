"""Settings of a response: `delay`, `pace`, `headers`, `stream`, `faults`, on a rule, a step, a branch or a modifier.

Header names and values that HTTP cannot carry are errors when the file is loaded, instead of altered bytes on the
wire.
"""

import inspect
import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    JsonValue,
    StringConstraints,
    Tag,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mockllm.core.failure import NAMED
from mockllm.core.faults import FAULTS
from mockllm.core.quantities.types import quantity_error
from mockllm.core.rendering.extra_fields import parse_path
from mockllm.core.rendering.pacing import DynamicInputTime
from mockllm.core.values.constants import Constant
from mockllm.core.values.types import ChunkSizeField, Drawable, Duration, Spread, Templated, TemplatedJson
from mockllm.core.webhook import BASE64_PREFIX, is_valid_secret
from mockllm.scenario.diagnostics import suggestion
from mockllm.scenario.language.base import Late, ReadLate, Spec, no_items
from mockllm.scenario.text_forms import HOLD_NAME

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
"""A token: RFC 9110, section 5.6.2."""
FRAMING: Final = frozenset({"content-length", "transfer-encoding", "connection"})
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def _name(name: str) -> str:
    if not _NAME.match(name):
        raise quantity_error(f'"{name}" is not a valid header name; use letters, digits and -')
    if name.lower() in FRAMING:
        raise quantity_error(f"{name} is set by the server, because it frames the response; leave it out")
    return name


def header_value(value: str) -> str:
    """Return a header's value, or raise an error if HTTP cannot carry it."""
    if _CONTROL.search(value):
        raise quantity_error("a header's value is one line, without control characters")
    return value


HeaderName: TypeAlias = Annotated[str, AfterValidator(_name)]
HeaderValue: TypeAlias = Templated[Annotated[str, AfterValidator(header_value)]]
HeadersByName: TypeAlias = dict[HeaderName, HeaderValue]
SetHeaders: TypeAlias = dict[HeaderName, HeaderValue | None]
"""Headers to set by name; null removes one."""


class InputTimeSpec(Spec):
    """A time to first token that depends on the tokens of the input."""

    base: Drawable[Duration] = 0.0
    """The time without any input tokens."""
    per_input_token: Drawable[Duration]
    """The additional time for each input token."""
    cached: Drawable[Duration] | None = None
    """Replaces `per_input_token` for the tokens that the response's usage reports as cached
    (`usage.cached_tokens`)."""


BY_INPUT: Final = frozenset(InputTimeSpec.model_fields)


def _first_form(value: object) -> str:
    if isinstance(value, InputTimeSpec | DynamicInputTime):
        return "by input"
    return "by input" if isinstance(value, dict) and BY_INPUT & value.keys() else "a time"


def _reading_time(spec: InputTimeSpec) -> DynamicInputTime:
    return DynamicInputTime(spec.base, spec.per_input_token, spec.cached)


FirstTime: TypeAlias = Annotated[
    Annotated[Drawable[Duration], Tag("a time")]
    | Annotated[InputTimeSpec, AfterValidator(_reading_time), Tag("by input")],
    Discriminator(_first_form),
]
"""A time, or a time that depends on the tokens of the input."""


class PaceSpec(Spec):
    """The pacing of a response. Each key is merged separately with all settings that apply."""

    ttft: FirstTime | None = None
    """Time to first token: from the head to the first chunk; `{base, per_input_token, cached}` depends on the
    input."""
    itl: Spread[Duration] | None = None
    """Inter-token latency: the wait between two chunks."""
    tokens_per_second: Drawable[Annotated[float, Field(gt=0)]] | None = None
    """Replaces itl: a chunk takes as long as its tokens; `[40, 80]` is drawn once for each response."""
    chunk_size: Templated[ChunkSizeField] | None = None
    """The size of the chunks of a text: `4 tokens`, `10 characters`, `2 words`, `1 sentences`."""
    jitter: Spread[Duration] | None = None
    """Adds a wait between 0 and N, drawn uniformly, to each gap."""
    slowdown: Drawable[Annotated[float, Field(ge=0)]] | None = None
    """Multiplies every wait of the pace and of a script; the factors of several settings multiply."""
    whole: Literal["as_streamed", "at_once"] | None = None
    """Whether a non-streaming response takes as long as its stream would (the default) or is sent at once."""
    queued: Drawable[Duration] | None = None
    """The time for which a background response or a batch is queued."""
    in_progress: Drawable[Duration] | None = None
    """The least time for which a background response or a batch is in progress; its stream or its lines may last
    longer."""
    finalizing: Drawable[Duration] | None = None
    """The time for which a batch is finalizing, or cancelling."""
    queued_polls: Templated[Annotated[int, Field(ge=0)]] | None = None
    """The number of reads that find a background response or a batch queued."""
    in_progress_polls: Templated[Annotated[int, Field(ge=0)]] | None = None
    """The number of reads after them that find it in progress."""

    @model_validator(mode="after")
    def one_speed(self) -> Self:
        if self.itl is not None and self.tokens_per_second is not None:
            raise PydanticCustomError("speed", "itl and tokens_per_second are one setting; write one of them")
        return self


class _OneFault(Spec):
    @model_validator(mode="after")
    def one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise PydanticCustomError("fault", "one fault for each item; begin each item with a dash")
        return self


FAULTS_ARE_LISTED: Final = "; the page Faults of `mockllm docs` lists them all"
_FAULTS_MEANT: Final[Mapping[str, str]] = {
    **dict.fromkeys(("timeout", "time_out", "read_timeout", "hang"), '"no_response" or "silence"'),
    **dict.fromkeys(("disconnect", "connection_reset", "drop_connection"), '"reset" or "close"'),
}
"""Words that users write for faults, with the faults."""


def known_fault(name: str) -> str:
    """Return the name of a fault. Raise an error for any other name."""
    if name not in FAULTS:
        meant = _FAULTS_MEANT.get(name.lower())
        known = f"; did you mean {meant}?" if meant else suggestion(name, FAULTS) or FAULTS_ARE_LISTED
        if not meant and name in NAMED:
            known = f"; it is an error: write error: {name} in a rule"
        raise quantity_error(f'no fault is called "{name}"{known}')
    return name


def _by_name(value: object) -> object:
    """Read a bare text as the name of a fault."""
    if isinstance(value, dict):
        _check_form(value)
    return {known_fault(value): {}} if isinstance(value, str) else value


def _check_form(value: Mapping[str, object]) -> None:
    """Raise an error for a mapping whose form shows the intended fault."""
    for name, content in value.items():
        if name in FAULTS and content is None:
            settings = {field.alias or key for key, field in FAULTS[name].model_fields.items()}
            outside = next((key for key in value if key in settings), None)
            if outside is not None:
                raise quantity_error(f'"{outside}" is a setting of {name}: indent it further than "{name}:"')
            raise quantity_error(f'"{name}:" has no value; write {name} without the colon')
        if name == "type":
            listed = content if isinstance(content, list) else [content]
            known = next((each for each in listed if isinstance(each, str) and each in FAULTS), None)
            if known is not None:
                items = ", each as one item of the list" if len(listed) > 1 else ""
                raise quantity_error(
                    f"a fault is written by its name: {known}, or {known}: {{…}} with its settings{items}"
                )


FaultSpec = create_model(  # type: ignore[call-overload]
    "FaultSpec",
    __base__=_OneFault,
    __doc__="One fault, with its settings; its name alone uses the defaults.",
    **{
        name: (
            Annotated[fault, ReadLate()],
            Field(default=None, description=inspect.cleandoc(fault.__doc__ or "")),
        )
        for name, fault in FAULTS.items()
    },
)
"""Generated from `FAULTS`, so that a new fault becomes a new key without a line here."""

FaultName: TypeAlias = Literal[tuple(FAULTS)]  # type: ignore[valid-type]
FaultOrName: TypeAlias = Annotated[FaultSpec, ReadLate(_by_name, FaultName)]


def _place(text: str) -> str:
    if parse_path(text) is None:
        raise quantity_error(f'expected a path such as $.choices[].message, found "{text}"')
    return text


class ExtraFieldsSpec(Spec):
    """Fields to add to a response, or to remove, in the body or in the events of a stream."""

    fields: dict[str, Constant[JsonValue]] = Field(default_factory=dict)
    """The fields with their values; a field that the response has already stays as it is."""
    without: list[str] = Field(default_factory=no_items)
    """The names of fields to remove, before `fields` are added: a name in both is replaced."""
    at: Annotated[str, AfterValidator(_place)] = "$"
    """The path of the objects that get the fields: `$` is the body or event, `[]` all items of a list."""
    events: list[str] | None = None
    """Only events with one of these names, `type`s or kinds (open, chunk, close, finish, usage, end)."""

    @model_validator(mode="after")
    def complete(self) -> Self:
        if not self.fields and not self.without:
            raise PydanticCustomError("extras", "needs fields or without")
        return self


class HoldSpec(Spec):
    """A wait until a name is released."""

    name: Annotated[str, StringConstraints(pattern=HOLD_NAME)]
    """The name that `POST /api/release/NAME` releases."""
    at_most: Duration = 60.0
    """The longest wait; the response is sent then."""


def _by_hold_name(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


HoldSetting: TypeAlias = Annotated[HoldSpec, ReadLate(_by_hold_name, str)]


class ThenPostSpec(Spec):
    """A request that the server sends when the response has ended."""

    to: Templated[str]
    """The address. Hosts of this machine, and those that `--proxy-allow` names, receive it."""
    body: TemplatedJson[JsonValue] = Field(default_factory=dict)
    """A JSON value, or a text that is sent unchanged."""
    after: Drawable[Duration] = 0.0
    """The time from the end of the response."""
    secret: str | None = None
    """A secret with which the request is signed, as Standard Webhooks specifies."""

    @field_validator("to")
    @classmethod
    def address(cls, to: object) -> object:
        if isinstance(to, str) and not to.startswith(("http://", "https://")):
            raise quantity_error(f'expected an address such as http://localhost:9000/hook, found "{to}"')
        return to

    @field_validator("secret")
    @classmethod
    def key(cls, secret: str | None) -> str | None:
        if secret is not None and not is_valid_secret(secret):  # the message shows no secret
            raise quantity_error(
                f"what follows {BASE64_PREFIX} must be base64, such as {BASE64_PREFIX}c2VjcmV0"
            )
        return secret


class PromptCacheSpec(Spec):
    """The prompt cache of the provider, with other values than the provider's."""

    ttl: Duration | None = None
    """The time for which an entry lasts after its last use."""
    minimum: Annotated[int, Field(ge=1)] | None = None
    """The least number of tokens of a cached prompt."""


class Settings(Spec):
    """The settings of a response that rules, steps, branches and modifiers share."""

    delay: Drawable[Duration] | None = None
    """Delays the head of the response; the delays of all settings add up."""
    pace: Late[PaceSpec] | None = None
    """The pacing of the response."""
    headers: SetHeaders | None = None
    """Response headers to set, by name; null removes the header."""
    stream: bool | None = None
    """Stream the response or not, whatever the client requested."""
    extras: list[Late[ExtraFieldsSpec]] | None = None
    """Fields to add to the response, unless it is an error; those of all settings are added."""
    hold: HoldSetting | None = None
    """Wait until this name is released, before the delay; a bare text is the name."""
    then_post: Late[ThenPostSpec] | None = None
    """A request that the server sends when the response has ended; those of all settings are sent."""
    cache: bool | PromptCacheSpec | None = None
    """The provider's prompt cache: the usage of a response counts what earlier requests had written to it."""
    faults: list[FaultOrName] | None = None
    """Deliberate errors in the response; all of them are applied. `refusal`, `empty_answer` and `no_finish` come
    first, then others that change the reply, then those that change the bytes; each group is in order."""
