"""One run of an agent against a separate server with the pack `coding-agents`: what was sent, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.agents.coding_agents import TASK, CodingAgent
from tests.agents.sandbox import Ended, Sandbox
from tests.process import Process

DRAFT = 'raise SystemExit("not finished")'
CONTENT = 'print("Hello from a mock.")'
TOKENS = 10_000_000
"""What the climate `rate-limited` allows in a minute. Each request of an agent has tens of thousands."""
NO_RULES = "rules: []\n"
TYPED = f'modifiers: [{{name: typed, match: {{typed: "{TASK}"}}, headers: {{x-typed: "1"}}}}]\n'
"""Marks the requests whose person typed the task, whatever the agent puts around it."""
NO_SOCKETS = "rules: [{name: no-socket, match: {api: handshake}, http: {status: 426}}]\n"
"""Codex falls back to HTTP: verdicts judge requests over HTTP alone."""
PATIENCE = 420.0
"""Seconds for an agent. Some retry for minutes. A task takes 4 to 25 s on a quiet machine, and 80 s where thirty
other processes want its two cores."""
AROUND = 180.0
"""Seconds for the rest of a test: the server's start, its journal and its end."""


@dataclass(frozen=True)
class AgentRun:
    """How an agent ended, the file that it wrote, the rules that responded to it in their order, and its verdicts."""

    ended: Ended
    written: str | None
    rules: Sequence[str]
    missed: Sequence[str]
    verdicts: Sequence[str]
    typed: Sequence[str]
    """The rules of requests that the scenario `TYPED` marked."""

    def shown(self) -> str:
        """What a failed test prints."""
        rules = " ".join(self.rules)
        return f"{self.ended.code}\n{rules}\n{self.ended.out[-2000:]}\n{self.ended.err[-2000:]}"


def run_agent(
    agent: CodingAgent,
    top: Path,
    climate: str = "calm",
    time_scale: float = 1.0,
    *,
    own: str = NO_RULES,
    patience: float = PATIENCE,
) -> AgentRun:
    """Let an agent do the task in a climate of the pack `weather`. `own` is a scenario that precedes the packs."""
    top.mkdir(parents=True, exist_ok=True)
    (top / "rules.yaml").write_text(own, "utf-8")
    arguments = (
        "--scenarios", "rules.yaml", "--port", "0", "--pack", "coding-agents,weather",
        "--set", f"fixed_at={agent.fixed_at}", "--set", f"climate={climate}",
        "--set", f"tokens_per_minute={TOKENS}", "--time-scale", str(time_scale),
    )  # fmt: skip
    server = Process(arguments, top, {})
    try:
        url = f"http://127.0.0.1:{server.ready().port}"
        sandbox = Sandbox(top / "sandbox", url).make()
        words, variables = agent.command(sandbox)
        ended = sandbox.run(words, variables, patience)
        entries = server.get("/api/requests?limit=1000")["requests"]
        clients = server.get("/api/verdicts?over=true")["clients"]
    finally:
        server.close()
    file = sandbox.work / "greet.py"
    return AgentRun(
        ended=ended,
        written=file.read_text("utf-8").strip() if file.exists() else None,
        rules=[entry["rule"].rpartition(":")[2] for entry in reversed(entries) if entry["rule"]],
        typed=[
            entry["rule"].rpartition(":")[2] for entry in entries if "rules.yaml:typed" in entry["modifiers"]
        ],
        missed=[f"{entry['method']} {entry['path']}" for entry in entries if entry["missed"]],
        verdicts=sorted({verdict["verdict"] for client in clients for verdict in client["verdicts"]}),
    )
