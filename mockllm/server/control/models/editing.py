"""Models of the calls that show, preview and edit rules and scenario files."""

from typing import Annotated

from pydantic import BaseModel, Field

from mockllm.scenario.language.session import SessionId
from mockllm.server.control.models.base import RequestModel, StaleFile
from mockllm.server.control.models.rules import RuleInfo
from mockllm.server.control.problem import FieldProblem


class RuleDetail(RuleInfo):
    """A rule or modifier with its text. `yaml` is as its file has it, None if the file has changed since. `file` is
    the name of its file below the scenario folder, None outside of the folder; `line` counts from 1."""

    yaml: str | None
    file: str | None
    line: int
    pack: str | None


class PreviewQuery(RequestModel):
    """`name` is the item of the overlay that the text replaces; without it, the text is added."""

    session: SessionId | None = None
    name: str | None = None
    limit: Annotated[int, Field(ge=0, le=1000)] = 200
    """How many of the last requests are checked."""


class PreviewedRequest(BaseModel):
    """A request that the changed rules would affect. `before` is the rule that responded, `after` the one that would
    respond; `modifiers` are the changed modifiers that would apply."""

    id: int
    method: str
    path: str
    model: str | None
    user: str | None
    """The start of the user's last text."""
    status: int
    before: str | None
    after: str | None
    modifiers: list[str]


class RulePreview(BaseModel):
    """The effect of a change of the overlay that was not made. With `errors` nothing else is known. `changed` are
    the ids of the text's rules and modifiers; `checked` counts the examined requests."""

    errors: list[FieldProblem]
    changed: list[str]
    checked: int
    requests: list[PreviewedRequest]


class FolderFile(BaseModel):
    """A file of the scenario folder. `digest` identifies its content; a write needs it."""

    name: str
    digest: str


class FolderFiles(BaseModel):
    """`writable` is whether the server was started with `--edit`."""

    folder: str
    writable: bool
    files: list[FolderFile]


class FileContent(FolderFile):
    text: str
    writable: bool


class FileErrors(BaseModel):
    errors: list[FieldProblem]


class WriteQuery(RequestModel):
    digest: str = ""
    """The digest of the content that the text replaces; empty for a new file."""


class FileSaved(FolderFile):
    """A written file. `loaded`: the server has read its files again; not with `--no-reload`. `stale` are the files
    that could not be loaded."""

    loaded: bool
    stale: list[StaleFile]
