"""`error`: a failure by its neutral name. A rule or step responds with it, a modifier replaces a response by
it, and a chunk script breaks off with it."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, JsonValue, Tag, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.failure import NAMED, ErrorName
from mockllm.core.quantities.types import quantity_error
from mockllm.core.values.strict_model import refuse_null
from mockllm.core.values.types import Drawable, Duration, Templated, TemplatedJson
from mockllm.scenario.language.base import ReadLate, Spec
from mockllm.scenario.validation_errors import describe_value


class RetryDateSpec(Spec):
    """A wait that the response has as a date."""

    date: Drawable[Duration]
    """The time from the response to the date."""


def _retry_form(value: object) -> str:
    if isinstance(value, RetryDateSpec) or (isinstance(value, dict) and "date" in value):
        return "date"
    return "none" if value == "none" else "a time"


RetryAfter: TypeAlias = Annotated[
    Annotated[Literal["none"], Tag("none")]
    | Annotated[Drawable[Duration], Tag("a time")]
    | Annotated[RetryDateSpec, Tag("date")],
    Discriminator(_retry_form),
    BeforeValidator(refuse_null),
]


class ErrorSpec(Spec):
    """An error in the provider's own envelope; a `status` alone selects the error with that status."""

    type: ErrorName | None = None
    """The neutral name of the error."""
    status: Templated[Annotated[int, Field(ge=400, le=599)]] | None = None
    """The HTTP status, if it differs from the name's status in this protocol."""
    message: Templated[str] | None = None
    """A message that replaces the provider's message."""
    retry_after: RetryAfter = None  # type: ignore[assignment]  # None: the usual wait of the provider
    """A wait, sent as the provider sends it: in retry-after headers or details. `none` sends no wait, `{date: 5s}` a
    date in the header retry-after."""
    limit: Templated[Annotated[int, Field(ge=1)]] | None = None
    """With `context_length`: the size of the model's context in tokens, shown in the provider's message."""
    fields: TemplatedJson[dict[str, JsonValue]] = Field(default_factory=dict)
    """Fields to merge into the provider's inner error object as written; or by dialect: `{openai: {...}}`."""

    @model_validator(mode="after")
    def complete(self) -> Self:
        if self.type is None and self.status is None:
            raise PydanticCustomError("error", "an error needs a type or a status")
        if self.limit is not None and self.type != "context_length":
            raise PydanticCustomError("error", "a limit goes with type: context_length")
        return self


def known_error(name: str) -> str:
    """Return the name of an error. Raise an error for any other name."""
    if name not in NAMED:
        raise PydanticCustomError(
            "named_error", 'no error is called "{name}"', {"name": name, "allowed": sorted(NAMED)}
        )
    return name


def _error(value: object) -> object:
    """Read a bare text as the name of an error."""
    status = str(value)
    if not isinstance(value, bool) and status.isdigit() and len(status) == 3:
        raise quantity_error(
            f"expected an error's name or a mapping, found {status}; write {{status: {status}}}"
        )
    if isinstance(value, str):
        return {"type": known_error(value)}
    if not isinstance(value, dict | ErrorSpec):
        several = "; write `sequence` for several in turn, `choose` for one by chance"
        hint = several if isinstance(value, list) else ""
        raise quantity_error(f"expected an error's name or a mapping, found {describe_value(value)}{hint}")
    return value


Error: TypeAlias = Annotated[ErrorSpec, ReadLate(_error, ErrorName)]
