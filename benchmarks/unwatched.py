"""mockllm without its journal and its metrics, to measure their cost: `python -m benchmarks.unwatched serve …`.

There is no such option: what a server does not store cannot be read afterwards.
"""

from __future__ import annotations

import sys

from mockllm.cli.main import main
from mockllm.server import app
from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.journal.journal import Journal


class Unwritten(Journal):
    """Forgets at once."""

    def add(self, seen: EndedExchange) -> None:
        return None


if __name__ == "__main__":
    app.Journal = Unwritten  # type: ignore[attr-defined]  # by this name it is made
    main(sys.argv[1:])
