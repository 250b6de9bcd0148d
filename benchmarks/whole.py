"""Non-streaming responses: 1,000 rules and 3 modifiers that all apply; a rule near the end matches a model, the last
user text and a JSONPath. Against a bare aiohttp handler that returns a constant of the same size.

Three times: the same requests in turn, as load tests send; with a number in each body; and with an id in a header of
each request. Of the first ones, the server computes what follows from a head and a body once.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from benchmarks import load
from benchmarks.rounds import Effort, measure, table
from benchmarks.sides import bare, ours, running

RULES = 1_000
TEXT = "the order of my last week please refund parcel weather in paris why does it take so long"
WORDS = TEXT.split(" ")
REPLY = (
    "Thank you for asking about case number {n}. The parcel left the warehouse on Tuesday and should reach "
    "you within two working days; its label was scanned this morning. If it does not arrive, answer to this "
    "message and the amount is paid back to the card that was used, which takes three to five days."
)


TITLES: Final[dict[load.Own, str]] = {
    "same": "the same requests in turn",
    "body": "each request with its own body",
    "header": "each request with its own header",
}


def scenario(rules: int = RULES) -> str:
    """The scenario file's text."""
    made = ["mockllm: 1", "rules:"]
    for number in range(rules):
        match = (
            f"{{model: bench-{number % 20}, user: {{contains: 'number {number}.'}}, "
            f"body: {{$.metadata.case: case-{number}}}}}"
        )
        made += [f"  - name: case-{number}", f"    match: {match}", f"    reply: {REPLY.format(n=number)}"]
    made += [
        "modifiers:",
        "  - {name: pace, pace: {itl: 20ms, whole: at_once}}",
        "  - {name: marked, match: {model: bench-*}, headers: {x-bench: marked}}",
        "  - {name: plain, match: {stream: false}, headers: {x-plain: 'yes'}}",
    ]
    return "\n".join(made) + "\n"


def bodies(count: int = 512) -> list[bytes]:
    """Requests for the last twenty rules, no two alike, each of about a kilobyte."""
    random = Random(1)
    made = []
    for turn in range(count):
        number = RULES - 1 - turn % 20
        words = " ".join(random.choices(WORDS, k=random.randrange(60, 100)))
        messages = [
            {
                "role": "system",
                "content": "You are a helpful assistant. " + " ".join(random.choices(WORDS, k=30)),
            },
            {"role": "user", "content": f"{words}; order {load.MARK}, this is number {number}."},
        ]
        body = {"model": f"bench-{number % 20}", "messages": messages, "metadata": {"case": f"case-{number}"},
                "temperature": round(random.random(), 2), "max_tokens": 1000}  # fmt: skip
        made.append(json.dumps(body).encode())
    return made


def checked(port: int, requests: Sequence[bytes], count: int = 5_000) -> bytes:
    """Return the body of a response, after many were compared: no two have the same id, and each rule responded."""
    tally = load.send(port, requests, responses=count)
    assert len(tally.ids) == tally.responses >= count, "two responses have the same id"
    assert len(tally.rules) == 20, f"other rules responded: {sorted(tally.rules)[:30]}"
    print(
        f"checked: {tally.responses:,} responses of {len(tally.rules)} rules, {len(tally.ids):,} different ids"
    )
    return tally.last.partition(b"\r\n\r\n")[2]


def main(effort: Effort) -> None:
    requests = bodies()
    print(
        f"requests of {min(map(len, requests))} to {max(map(len, requests))} bytes, {len(requests)} different ones"
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bench.yaml").write_text(scenario())
        side = ours("--scenarios", folder, name="mockllm, 1,000 rules, 3 modifiers")
        with running(side) as server:
            body = checked(server.port, requests)
        print(f"responses of {len(body)} bytes")
        for own, title in TITLES.items():
            print(f"\n{title}:\n")
            base, found = measure([bare("whole", body), side], requests, effort, own=own)
            print(table(base, [found], "0.7"))
