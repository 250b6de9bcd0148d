"""Errors of calls of the control API, as problem+json (RFC 9457) with the names of fields."""

from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from mockllm.core.display import brief
from mockllm.core.rendering.plan import PHRASES
from mockllm.scenario.diagnostics import Diagnostic, nearest, path_text
from mockllm.scenario.language.match import Match
from mockllm.scenario.model_walk import shape_of
from mockllm.scenario.text_forms import form_words


class FieldProblem(BaseModel):
    """One wrong field. `line` and `column` are set where the body is YAML or JSON with positions."""

    model_config = ConfigDict(defer_build=True)

    field: str
    message: str
    line: int | None = None
    column: int | None = None


class ProblemBody(BaseModel):
    """The body of every refused call."""

    model_config = ConfigDict(defer_build=True)  # rarely used: the start of the server does not build it

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(default_factory=list)


class Problem(Exception):
    """A refused call."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[FieldProblem] = (),
        *,
        allowed: Sequence[str] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.allowed = allowed
        """The methods of the path, if the call uses another one."""
        self.status = status
        self.retry_after = retry_after
        """Seconds after which the call may be repeated."""
        self.body = ProblemBody(title=PHRASES[status], status=status, detail=detail, errors=list(errors))


def diagnostics_problem(diagnostics: Iterable[Diagnostic], status: int = 422) -> Problem:
    """Return the problem of a body in the scenario language."""
    return _fields_problem(field_problems(diagnostics), status)


def field_problems(diagnostics: Iterable[Diagnostic]) -> list[FieldProblem]:
    """Return diagnostics as errors of fields."""
    return [
        FieldProblem(
            field=diagnostic.path,
            message=diagnostic.message,
            line=diagnostic.line or None,
            column=diagnostic.column or None,
        )
        for diagnostic in diagnostics
    ]


def validation_problem(error: ValidationError, model: type[BaseModel]) -> Problem:
    """Return the problem of a body or a query that is invalid for its model."""
    errors = [
        FieldProblem(field=path_text(details["loc"]), message=_message(details, model))
        for details in error.errors(include_url=False)
    ]
    return _fields_problem(errors)


def _fields_problem(errors: Sequence[FieldProblem], status: int = 422) -> Problem:
    first = errors[0]
    return Problem(status, f"{first.field}: {first.message}" if first.field else first.message, errors)


def method_problem(method: str, path: str, allowed: Sequence[str]) -> Problem:
    """Return the problem of a method that the path does not have."""
    allowed = list(dict.fromkeys(allowed))  # several routes may serve a path
    message = f"{method} is not allowed for {brief(path)}; use {', '.join(allowed)}."
    return Problem(405, message, allowed=allowed)


EXPECTED: Final = {
    "model_type": "an object",
    "dict_type": "an object",
    "list_type": "a list",
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "literal_error": "{expected}",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "too_short": "{min_length} or more of them",
    "string_too_short": "{min_length} or more characters",
    "string_too_long": "{max_length} characters at most",
    "string_pattern_mismatch": "{form}",
}
"""Expected values, by the type of pydantic's error."""


_COUNTS: Final = {
    **dict.fromkeys(("times", "count", "equals", "calls"), "exactly"),
    **dict.fromkeys(("min", "minimum", "gte"), "at_least"),
    **dict.fromkeys(("max", "maximum", "lte"), "at_most"),
}
"""Words that users write for the counts of an expectation."""


def _meant(key: str, keys: Sequence[str]) -> str:
    """Return a suggestion for an unknown key beside these keys; empty without one."""
    if "match" in keys and key in Match.model_fields:
        return f"; it is a condition: write match: {{{key}: …}}"
    count = _COUNTS.get(key)
    near = count if count in keys else nearest(key, keys)
    return f'; did you mean "{near}"?' if near else ""


def _message(details: ErrorDetails, model: type[BaseModel]) -> str:
    """Return the message of one error."""
    if details["type"] == "extra_forbidden":
        shape = shape_of(model)
        for step in details["loc"][:-1]:
            shape = shape.step(step)
        keys = list(shape.allowed_keys())
        meant = _meant(str(details["loc"][-1]), keys)
        known = f"the known keys are {', '.join(keys)}{meant}" if keys else "this call has no parameters"
        return f"is unknown; {known}"
    expected = EXPECTED.get(details["type"])
    if expected is None:
        return details["msg"]
    context = details.get("ctx", {})
    if "pattern" in context:
        context = {**context, "form": form_words(context["pattern"])}
    return f"expected {expected.format(**context)}, found {brief(details['input'])}"
