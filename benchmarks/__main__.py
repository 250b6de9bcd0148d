"""`python -m benchmarks [--quick] [NAME …]`: runs benchmarks and prints what they found, in Markdown."""

from __future__ import annotations

import argparse
import importlib
import platform
import sys
from dataclasses import replace
from math import inf

from benchmarks.load import WRK
from benchmarks.rounds import Effort
from benchmarks.sides import LOAD_CORE, SERVER_CORE

NAMES = {
    "whole": "Non-streaming responses, 1,000 rules",
    "streaming": "Streams of 18 chunks, no waits",
    "agents": "Agents' traffic",
    "in_process": "Agents' traffic without sockets",
    "sequences": "Sequences, states and limits",
    "find": "Finding the rule",
    "values": "Values from the conversation",
    "streams": "1,000 paced streams at once",
    "slow": "Slow readers",
    "start": "From start to the first response",
    "library": "A server for each test",
    "workers": "All cores",
    "store": "Counts in a store",
    "observed": "With journal, metrics and dashboard",
    "peers": "Other mock servers",
    "soak": "Memory under requests that all differ",
    "stalls": "Requests that use a whole budget",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures mockllm on this machine.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(NAMES)} (all but peers)")
    parser.add_argument("--quick", action="store_true", help="shorter and fewer rounds, rougher figures")
    parser.add_argument("--requests", type=int, help="the number of requests of soak (1,000,000)")
    parser.add_argument("--seconds", type=float, default=inf, help="the most seconds of soak (no limit)")
    options = parser.parse_args()
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    effort = replace(
        Effort(1, 3) if options.quick else Effort(),
        soak_requests=options.requests,
        soak_seconds=options.seconds,
    )
    load = "wrk" if WRK else "our own generator (install wrk for figures that compare)"
    print(f"`scripts/bench {' '.join(sys.argv[1:])}`".replace(" `", "`"))
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    print(f"{machine}; server on core {SERVER_CORE}, {load} on core {LOAD_CORE}")
    for name, title in NAMES.items():
        if name in (options.names or NAMES.keys() - {"peers"}):
            print(f"\n## {title} (`{name}`)\n", flush=True)
            importlib.import_module(f"benchmarks.{name}").main(effort)


if __name__ == "__main__":
    main()
