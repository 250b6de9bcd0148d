"""Other mock servers for LLM providers under the same load, on the same core: aimock, llmposter and VidaiMock.

`scripts/peer_servers.py` installs them; a server that is not there is left out by name. Each server has the same
rules in its own form. VidaiMock has none: it replies with a fixed text, whatever the request.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.rounds import Effort, Figures, measure, ratios
from benchmarks.sides import ROOT, Side, ours

PROGRAMS = ROOT / ".venv" / "peers"
INSTALL = ROOT / "scripts" / "peer_servers.py"
TEXT = (
    "Thank you for asking. The parcel left the warehouse on Tuesday and should reach you within two working days; "
    "its label was scanned this morning. If it does not arrive, reply to this message."
)
"""The reply's text: 186 characters."""
MANY = 1_000


@dataclass(frozen=True)
class Peer:
    """Another server: `command` returns its arguments for a port and a number of rules, and may write files to a
    folder. `version` is an argument list that prints its version."""

    name: str
    program: str
    command: Callable[[Path, int, int], Sequence[str]]
    rules: bool = True
    """Whether it replies by rules."""


def texts(rules: int) -> list[str]:
    """What the user says in each rule's requests."""
    return [f"question {number}." for number in range(rules)]


def aimock(folder: Path, port: int, rules: int) -> Sequence[str]:
    fixtures = [{"match": {"userMessage": text}, "response": {"content": TEXT}} for text in texts(rules)]
    file = folder / "aimock.json"
    file.write_text(json.dumps({"fixtures": fixtures}))
    return ["--port", str(port), "--fixtures", str(file), "--log-level", "silent"]


def llmposter(folder: Path, port: int, rules: int) -> Sequence[str]:
    fixtures = [{"match": {"user_message": text}, "response": {"content": TEXT}} for text in texts(rules)]
    file = folder / "llmposter.json"
    file.write_text(json.dumps({"fixtures": fixtures}))
    return ["--port", str(port), "--fixtures", str(file)]


def vidaimock(folder: Path, port: int, rules: int) -> Sequence[str]:
    return ["--port", str(port)]


PEERS = (
    Peer("aimock", "node_modules/.bin/llmock", aimock),
    Peer("llmposter", "bin/llmposter", llmposter),
    Peer("VidaiMock", "bin/vidaimock", vidaimock, rules=False),
)


def scenario(rules: int) -> str:
    """The same rules for mockllm."""
    made = [
        {"name": f"q{n}", "match": {"user": {"contains": text}}, "reply": TEXT}
        for n, text in enumerate(texts(rules))
    ]
    chunks = {"name": "chunks", "pace": {"chunk_size": "20 characters"}}  # what the others have by default
    return json.dumps({"mockllm": 1, "rules": made, "modifiers": [chunks]})


def bodies(rules: int, stream: bool) -> list[bytes]:
    """Requests for the last twenty rules."""
    system = {"role": "system", "content": "You are a helpful assistant. Answer in the customer's language."}
    return [
        json.dumps(
            {
                "model": "gpt-4o",
                "messages": [system, {"role": "user", "content": f"Please answer my {text}"}],
                "stream": stream,
            }
        ).encode()
        for text in texts(rules)[-20:]
    ]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def version(peer: Peer) -> str:
    """What `scripts/peer_servers.py` installed."""
    found = PROGRAMS / f".{peer.name.lower()}"
    return found.read_text(encoding="utf-8").rpartition("@")[2] if found.exists() else ""


def installed() -> list[Peer]:
    """The servers that are there; prints the names of the others."""
    subprocess.run([sys.executable, str(INSTALL), str(PROGRAMS)], check=True)
    found = [peer for peer in PEERS if (PROGRAMS / peer.program).exists()]
    for peer in PEERS:
        if peer not in found:
            print(f"{peer.name} is not installed here: left out.\n")
    return found


def table(own: Figures, others: Sequence[Figures]) -> str:
    """Rows in Markdown; a ratio above 1 means that the server has more responses a second, or needs more CPU time,
    than mockllm."""
    lines = [
        "| server | responses/s | CPU µs/response | × mockllm's responses (min–max) | × mockllm's CPU time |"
    ]
    lines.append("|---|--:|--:|--:|--:|")
    for each in (own, *others):
        by_rate = ratios(each, own)
        by_cpu = median(one / other for one, other in zip(each.costs, own.costs, strict=True))
        lines.append(
            f"| {each.name} | {median(each.rates):,.0f} | {median(each.costs):.0f} | "
            f"{median(by_rate):.2f} ({min(by_rate):.2f}–{max(by_rate):.2f}) | {by_cpu:.2f} |"
        )
    return "\n".join(lines)


def main(effort: Effort) -> None:
    found = installed()
    for title, rules, stream in (
        ("One rule, a whole response", 1, False),
        ("One rule, a stream without waits", 1, True),
        (f"{MANY:,} rules, a whole response", MANY, False),
    ):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            file = folder / "mockllm.yaml"
            file.write_text(scenario(rules))
            sides = [ours("--scenarios", str(file))]
            for peer in found:
                if rules > 1 and not peer.rules:
                    continue
                port = free_port()
                command = peer.command(folder, port, rules)
                sides.append(
                    Side(
                        f"{peer.name} {version(peer)}",
                        command,
                        program=str(PROGRAMS / peer.program),
                        port=port,
                    )
                )
            own, *others = measure(sides, bodies(rules, stream), effort)
        print(f"{title}:\n\n{table(own, others)}\n", flush=True)
