"""Agents' traffic: 1,000 rules, journal on, conversations that resend their history (`benchmarks.conversations`).

A mix of sizes, protocols and kinds of replies against a bare aiohttp handler that reads the body and parses it with
orjson; then each kind alone; then how late responses are at 70 % of the load that the server bears.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from statistics import median

from benchmarks import agent_load
from benchmarks.agent_load import Request
from benchmarks.conversations import Agent, shapes
from benchmarks.queueing import waits
from benchmarks.rounds import Effort, measure, table
from benchmarks.sides import Side, bare, ours, running
from benchmarks.whole import scenario

RULES = 990
"""Rules for other models, before those of the agents."""
REPLY_TEXT = (
    "I have looked at the files. The parser returns early where the input has no lines; "
    "I will change that next."
)
AGENT_RULES = f"""
  - name: after-a-result
    match: {{model: "*-text*", tool_result: {{exists: true}}}}
    reply: "{REPLY_TEXT}"
  - name: text
    match: {{model: "*-text*"}}
    reply: "{REPLY_TEXT}"
  - name: template
    match: {{model: "*-template*", user: {{contains: Case}}}}
    reply: "Turn {{{{ turn }}}}: {{{{ tool_result.name | default('nothing') }}}} for {{{{ model }}}}. {REPLY_TEXT}"
  - name: call
    match: {{model: "*-call*", tools: "*"}}
    reply: {{tool_calls: from_schema}}
"""
"""Agents name the reply that they get in the model's name."""
PACE = """
modifiers:
  - name: pace
    pace: {itl: 20ms, whole: at_once, ttft: 0ms}
    match: {model: bench-*}
"""
COUNTING_RULE = f"""
  - name: sequence
    match: {{model: "*-sequence*"}}
    per: conversation
    then: cycle
    sequence: ["{REPLY_TEXT}", "And now the other one. {REPLY_TEXT}"]
"""
COUNTING_MODIFIER = """
  - name: limit
    match: {model: "*-limit*"}
    limit: {strategy: token-bucket, requests: 1000000000, tokens: 1000000000000}
"""


def rules(*, counting: bool = True) -> str:
    """The scenario: the rules of `whole`, then those of the agents; without `counting` those that count nothing."""
    rule, modifier = (COUNTING_RULE, COUNTING_MODIFIER) if counting else ("", "")
    parts = (scenario(RULES).partition("modifiers:")[0], AGENT_RULES, rule, PACE, modifier)
    return "".join(part.lstrip("\n") for part in parts)


@dataclass(frozen=True)
class Row:
    """One kind of traffic. `wanted`: the most microseconds of CPU time for a response, or the least ratio."""

    name: str
    requests: Sequence[Request]
    wanted: str = ""


def together(agents: Sequence[Agent], copies: int = 1) -> list[Request]:
    """The requests of these agents' conversations, side by side: first the first requests of all, and so on."""
    runs = [list(shapes(agent)) for _ in range(copies) for agent in agents]
    rounds = zip_longest(*runs)
    return [(number, shape) for each in rounds for number, shape in enumerate(each) if shape is not None]


MIX = [
    *(Agent("chat", f"gpt-4o-{kind}", range(3), result=30) for kind in ("text", "template", "sequence-limit")),
    Agent("messages", "claude-text", range(3), stream=True, result=30),
    Agent("chat", "gpt-4o-call", range(8), tools=5, result=60),
    Agent("responses", "gpt-4o-sequence", range(8), tools=5, stream=True),
    Agent("generateContent", "gemini-text", range(8), tools=5),
    Agent("generateContent", "gemini-call", range(4), tools=5, stream=True),
    Agent("chat", "gpt-4o-text-stream", range(2, 21, 2), tools=5, result=105, stream=True),
    Agent("responses", "gpt-4o-template", range(2, 21, 2), tools=10, result=70),
    Agent("messages", "claude-call", range(8), tools=12, system=900, stream=True, result=80),
    Agent("messages", "claude-text", range(42, 70, 2), tools=30, system=1800, stream=True, result=160),
]  # fmt: skip
"""Twelve conversations side by side; 79 requests of 1 to 120 KB."""


def _growing(first: int, last: int) -> Agent:
    return Agent("chat", "gpt-4o-text", range(first, last + 1), tools=5, system=200, result=133)


def rows() -> list[Row]:
    def small(kind: str, tools: int = 0) -> list[Request]:
        return together([Agent("chat", f"gpt-4o-{kind}", range(4), tools=tools, result=20)], 8)

    return [
        Row("27 KB, five tools, one turn more each time", together([_growing(12, 27)], 8), "100 µs"),
        Row("27 KB, five tools, each a separate conversation", together([_growing(19, 19)], 8), "100 µs"),
        Row("120 KB, 30 tools, streamed", together(MIX[-1:], 4)),
        Row("a text", small("text")),
        Row("a template", small("template"), "70 µs"),
        Row("a sequence for each conversation", small("sequence"), "70 µs"),
        Row("a tool call from its schema", small("call", tools=3), "90 µs"),
        Row("a limit", small("text-limit"), "60 µs"),
    ]  # fmt: skip


def sizes(requests: Sequence[Request]) -> str:
    kilobytes = sorted(len(shape.body) / 1000 for _, shape in requests)
    bounds = f"{kilobytes[0]:.1f} to {kilobytes[-1]:.1f} kB"
    return f"{len(kilobytes)} requests of {bounds}, median {median(kilobytes):.1f}"


def main(effort: Effort) -> None:
    mix = Row("mix", together(MIX, 3), "0.5")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bench.yaml").write_text(rules())
        side = ours("--scenarios", folder)
        body = b'{"text":"%b"}' % REPLY_TEXT.encode().ljust(800)
        parsed = bare("parsed", body)
        for row in (mix, *rows()):
            print(f"{row.name}: {sizes(row.requests)}\n", flush=True)
            sides = [parsed, bare("whole", body), side]
            base, *found = measure(sides, (), effort, send=partial(rate_of, row.requests))
            print(table(base, found, row.wanted) + "\n", flush=True)
            if row is mix:
                bears = [(parsed, median(base.rates)), (side, median(found[-1].rates))]
        print(_lateness(bears, mix, effort))


def rate_of(requests: Sequence[Request], port: int, seconds: int) -> tuple[float, int]:
    return agent_load.rate(port, requests, seconds)


def _lateness(bears: Sequence[tuple[Side, float]], mix: Row, effort: Effort) -> str:
    """Return the table of how late responses are at a part of what each server bears, in requests a second."""
    lines = [
        "the mix at a part of the load that each server bears:\n",
        "| server | bears/s | load | arrivals | run | median | p99 | p99 / median, wanted at most 3 |",
        "|---|--:|--:|---|--:|--:|--:|--:|",
    ]
    for side, most in bears:
        with running(side) as server:
            agent_load.lateness(server.port, mix.requests, 0.7 * most, 1, evenly=True)
            for load, arrivals in ((0.1, "even"), (0.7, "even"), (0.7, "random")):
                for run in range(1, 4):
                    taken = agent_load.lateness(
                        server.port, mix.requests, load * most, effort.seconds, evenly=arrivals == "even"
                    )
                    middle, late = taken[len(taken) // 2], taken[len(taken) * 99 // 100]
                    figures = f"{middle * 1e3:.2f} ms | {late * 1e3:.2f} ms | **{late / middle:.1f}**"
                    lines.append(
                        f"| {side.name} | {most:,.0f} | {load:.0%} | {arrivals} | {run} | {figures} |"
                    )
    half, late = waits(0.7)
    lines.append(
        "\nAt 10 % no request waits for another: that ratio is of their different sizes. "
        f"Random arrivals alone cause {late / half:.1f}: that is p99 / median of equal requests in a queue with "
        "one server that is busy 70 % of the time."
    )
    return "\n".join(lines)
