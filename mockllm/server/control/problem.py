"""What is wrong with a call of the control API, as problem+json (RFC 9457) that names the fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mockllm.scenario.mistakes import Mistake, path_text


class Wrong(BaseModel):
    """One thing that is wrong. `line` and `column` where the body is a text with lines."""

    model_config = ConfigDict(defer_build=True)

    field: str
    message: str
    line: int | None = None
    column: int | None = None


class ProblemBody(BaseModel):
    """What every refusal looks like."""

    model_config = ConfigDict(defer_build=True)  # a start does not wait for what few will see

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Wrong] = Field(default_factory=list)


class Problem(Exception):
    """A call that is refused."""

    def __init__(self, status: int, detail: str, errors: Sequence[Wrong] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.body = ProblemBody(
            title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors)
        )


def of_mistakes(mistakes: Iterable[Mistake]) -> Problem:
    """The refusal of words of the scenario language."""
    errors = [
        Wrong(field=each.path, message=each.message, line=each.line or None, column=each.column or None)
        for each in mistakes
    ]
    first = errors[0]
    return Problem(422, f"{first.field}: {first.message}" if first.field else first.message, errors)


def of_validation(error: ValidationError) -> Problem:
    """The refusal of a body or of a query that does not fit its model."""
    errors = [
        Wrong(field=path_text(each["loc"]), message=each["msg"])
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    first = errors[0]
    return Problem(422, f"{first.field}: {first.message}" if first.field else first.message, errors)
