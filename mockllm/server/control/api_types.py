"""The routes of the control API, and the argument and the results of their handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Generic
from urllib.parse import unquote

from msgspec import Struct, field
from pydantic import BaseModel
from typing_extensions import TypeVar

if TYPE_CHECKING:
    from mockllm.server.control.context import ControlContext
    from mockllm.server.control.problem import FieldProblem

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
YAML: Final = "application/yaml"


Query = TypeVar("Query", covariant=True, default=object)
Body = TypeVar("Body", covariant=True, default=object)


class ApiCall(Struct, Generic[Query, Body], frozen=True):
    """One call. `query` and `body` are instances of the route's models, or None; `raw` is the body as received."""

    params: Mapping[str, str]
    query: Query
    body: Body
    raw: bytes = b""
    local: bool = False
    """Whether the call is from this machine."""
    headers: Mapping[str, str] = field(default_factory=dict)


class TextResponse(Struct, frozen=True):
    """A response without a model."""

    data: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = field(default=())


class ApiRoute(Struct, frozen=True):
    """One call. `{name}` in its path is one segment. `raw` describes a body that has no model.

    The first line of the handler's docstring is the summary of the call in the OpenAPI document.
    """

    method: str
    path: str
    handler: Callable[..., Awaitable[object]]
    response_model: type[BaseModel] | None = None
    body_model: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    raw: str | None = None
    content_type: str = JSON
    further_problems: Callable[[ControlContext, bytes], list[FieldProblem]] | None = None
    """Returns the mistakes of a body that its model does not see, where the model sees others."""
    or_type: str | None = None
    """A second content type of the response, which the query selects."""

    @property
    def summary(self) -> str:
        return (self.handler.__doc__ or "").partition("\n")[0].removesuffix(".")

    def match(self, segments: Sequence[str]) -> dict[str, str] | None:
        """Return the parameters of a path, or None for another path."""
        own = self.path.split("/")
        if len(own) != len(segments):
            return None
        params = {}
        for expected, segment in zip(own, segments, strict=True):
            if expected.startswith("{"):
                if not segment:
                    return None
                params[expected[1:-1]] = unquote(segment)
            elif expected != segment:
                return None
        return params
