"""Base classes of the control API's models, and the models of its short confirmations."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field


class RequestModel(BaseModel):
    """Parameters or a body from a client; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class NoParameters(RequestModel):
    """The parameters or the body of a call that has none."""


class Done(BaseModel):
    done: str


Forgettable: TypeAlias = Literal["state", "journal", "metrics", "overlay"]


class ResetBody(RequestModel):
    """The data to discard; all of it by default."""

    what: Annotated[list[Forgettable], Field(min_length=1)] = ["state", "journal", "metrics", "overlay"]


class ResetDone(BaseModel):
    reset: list[str]


class Released(BaseModel):
    """`released` is the number of responses that waited for the name. `hint` names those that are waited for, if none
    waited for this one."""

    name: str
    released: int
    hint: str | None = None


class StaleFile(BaseModel):
    file: str
    reason: str
    left_out: bool


class Reloaded(BaseModel):
    rules: int
    files: int
    stale: list[StaleFile]
