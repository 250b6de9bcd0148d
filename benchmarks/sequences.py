"""What is decided and counted for each request, under load: sequences, for all and for each conversation, named
states, and limits whose headers count down. Against the same server where nothing is left to decide.

First that it is right: each step of a sequence responds to one request alone, in whatever order many clients send.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

from benchmarks import load
from benchmarks.rounds import Effort, measure, table
from benchmarks.sides import ours, running

STEPS = 6_000
RESPONSES = 5_000
REPLY_TEXT = (
    "The parcel left the warehouse on Tuesday and should reach you within two working days; see step {n}."
)
STEP = re.compile(rb"see step (\d+)\.")
REPLY = f"reply: {REPLY_TEXT.format(n=0)}"
TWO = f"sequence: [{{{REPLY}}}, {{reply: Another day.}}], then: cycle"
SCENARIOS = {
    "one response": f"rules: [{{{REPLY}}}]",
    "a sequence": f"rules: [{{{TWO}}}]",
    "a sequence for each of 512 conversations": f"rules: [{{per: conversation, {TWO}}}]",
    "named states": f"rules: [{{requires_state: {{a: null}}, sets_state: {{a: 1}}, {REPLY}}}, "
    f"{{sets_state: {{a: null}}, {REPLY}}}]",
    "a limit": f"rules: [{{{REPLY}}}]\n"
    "modifiers: [{limit: {strategy: token-bucket, requests: 1000000000, tokens: 1000000000}}]",
    "a load": f"rules: [{{{REPLY}}}]\nmodifiers: [{{load: {{max_inflight: 1000}}}}]",
}


def stepwise() -> str:
    """A sequence of many steps, each sent once."""
    steps = "".join(f"      - {REPLY_TEXT.format(n=number)}\n" for number in range(STEPS))
    return f"mockllm: 1\nrules:\n  - name: steps\n    then: error\n    sequence:\n{steps}"


def main(effort: Effort) -> None:
    requests = [
        json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": f"hi {turn}"}]}).encode()
        for turn in range(512)
    ]
    with tempfile.TemporaryDirectory() as home:
        folders = {name: Path(home, str(number)) for number, name in enumerate([*SCENARIOS, ""])}
        for name, folder in folders.items():
            folder.mkdir()
            text = f"mockllm: 1\n{SCENARIOS[name]}\n" if name else stepwise()
            Path(folder, "bench.yaml").write_text(text)
        with running(ours("--scenarios", str(folders[""]))) as server:
            found: list[int] = []
            tally = load.send(
                server.port,
                requests,
                responses=RESPONSES,
                on_response=lambda came: found.extend(int(number) for number in STEP.findall(came)),
            )
        assert sorted(found) == list(range(tally.responses)), "a step was sent twice, or never"
        connections = load.CONNECTIONS
        print(f"checked: {tally.responses:,} steps to {connections} connections at once, each sent once")
        sides = [ours("--scenarios", str(folders[name]), name=f"mockllm, {name}") for name in SCENARIOS]
        base, *others = measure(sides, requests, effort)
    print(table(base, others, ""))
