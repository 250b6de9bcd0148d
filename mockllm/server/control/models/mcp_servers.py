"""Models of the MCP servers that scenarios describe, and of their use."""

from pydantic import BaseModel


class ToolShown(BaseModel):
    """A tool of a server. `failed` of its `calls` had an error, or a result that says so. `listed`: the description
    has it; clients also call others."""

    name: str
    description: str | None
    listed: bool
    calls: int
    failed: int


class McpServerShown(BaseModel):
    """A server. `methods` counts the messages by method, `faults` the faults in its responses, `rules` the rules that
    responded; `sessions` is how many sessions clients began."""

    name: str
    path: str
    title: str | None
    version: str
    tools: list[ToolShown]
    resources: list[str]
    prompts: list[str]
    tasks: bool
    described: bool
    methods: dict[str, int]
    faults: dict[str, int]
    rules: dict[str, int]
    clients: list[str]
    sessions: int


class McpServerCall(BaseModel):
    """A message to a server. `name` is the tool, prompt or resource; `took` is in seconds."""

    id: int
    at: float
    server: str
    method: str
    name: str | None
    status: int
    failed: bool
    faults: list[str]
    rule: str | None
    session: str | None
    took: float


class McpServerList(BaseModel):
    """The servers, and the last messages to them, the newest first. `states` are the named states that rules have
    set, by session; `counted` is how many messages of the journal were counted."""

    servers: list[McpServerShown]
    calls: list[McpServerCall]
    states: dict[str, dict[str, str]]
    counted: int
