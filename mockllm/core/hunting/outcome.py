"""The outcome of one run: how the command ended, what it wrote, and what it requested from the server."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from mockllm.core.display import shortened
from mockllm.core.json.codec import Json

FIRST_OF_SIGNALS: Final = 128
"""Exit codes above this mean that a signal ended the command, as in shells."""
MAX_SHOWN: Final = 160
"""The characters of a line of output in a message."""


class ExchangeSeen(Struct, frozen=True):
    """A request of the client and its response. `started` and `took` are in seconds since the run began.

    `modifiers` are the names of the modifiers that applied, `notes` the server's remarks on faults that could not
    apply. `chunks` and `calls` count those of the response. `text` is the model's text, `sent` all of the body.
    `timeout` is the client's own read timeout in seconds, where a header states it.
    """

    provider: str | None
    api: str | None
    model: str | None
    stream: bool
    turn: int
    status: int
    error: str | None = None
    modifiers: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left: str | None = None
    started: float = 0.0
    took: float | None = None
    calls: int = 0
    text: str = ""
    sent: str = ""
    refused: bool = False
    """Whether the model refused, in a protocol where a refusal ends the conversation."""
    timeout: float | None = None
    line: str = ""
    """The request and its response in a line, for people."""
    path: str = ""
    user: str | None = None
    """The text of the last user message."""
    body: Json = None
    """The request's JSON; None where it is too large for a file."""
    reply: Json = None
    """The response's content as a reply of the scenario language; None where it is none."""

    @property
    def shape(self) -> str:
        """The exchange without its texts: equal shapes are no news to the search."""
        kind = "stream" if self.stream else "whole"
        parts = (self.provider, self.api, kind, self.turn, self.status, self.error, self.left, *self.faults)
        return " ".join(str(part) for part in parts if part is not None)


class VerdictSeen(Struct, frozen=True):
    """A verdict on the client, with its evidence in a sentence."""

    name: str
    good: bool
    message: str


class RunOutcome(Struct, frozen=True):
    """`code` is the exit code in the form of a shell; None: the run was ended at its bound. `stdout` and `stderr`
    are the ends of what it wrote. `compared` is the output that must not change, None where none is compared.
    `repeated` are the lines of side effects that came more than once. `missing` are the files to compare, or of
    side effects, that it did not write.
    """

    code: int | None
    seconds: float
    stdout: str = ""
    stderr: str = ""
    compared: bytes | None = None
    repeated: tuple[str, ...] = ()
    verdicts: tuple[VerdictSeen, ...] = ()
    exchanges: tuple[ExchangeSeen, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def crash(self) -> str | None:
        """The line that shows a mistake in the client itself, not an error that it reports; None without one. The
        cause of an error that it raises is no mistake: it handled that one."""
        if self.code is not None and self.code > FIRST_OF_SIGNALS:
            return f"a signal ended the command: {self.code - FIRST_OF_SIGNALS}"
        for text in (self.stderr, self.stdout):
            for line in reversed(_without_causes(text).splitlines()):
                if _MISTAKE.match(line):
                    return shortened(_OF_PYTEST.sub("", line.strip()), MAX_SHOWN)
        return None

    @property
    def failed_assertion(self) -> bool:
        """Whether an assertion of the command's own test failed, which does not say why."""
        return any(_ASSERTION.search(text) for text in (self.stderr, self.stdout))

    @property
    def last_words(self) -> str:
        """The last line that the command wrote, to standard error if it wrote there."""
        lines = self.stderr.strip().splitlines() or self.stdout.strip().splitlines()
        return shortened(lines[-1].strip(), MAX_SHOWN) if lines else ""

    @property
    def features(self) -> frozenset[str]:
        """The results of a run: shapes of exchanges, verdicts, the exit, the last words without numbers."""
        shapes = {f"exchange {each.shape}" for each in self.exchanges}
        verdicts = {f"verdict {each.name}" for each in self.verdicts}
        words = re.sub(r"[0-9a-f]{6,}|\d+", "#", self.last_words)
        return frozenset(
            shapes | verdicts | {f"exit {self.code}", f"words {words}", f"n {len(self.exchanges)}"}
        )


_MISTAKES: Final = (
    "IndexError", "KeyError", "TypeError", "AttributeError", "NameError", "UnboundLocalError",
    "ZeroDivisionError", "UnicodeDecodeError", "UnicodeEncodeError", "RecursionError", "JSONDecodeError",
    "StopIteration", "StopAsyncIteration", "ReferenceError", "SyntaxError", "RangeError",
    "NullPointerException", "IndexOutOfBoundsException", "ClassCastException", "NumberFormatException",
)  # fmt: skip
_MISTAKE: Final = re.compile(
    rf"^(?:E\s+|Uncaught |Exception in thread \S+ )?(?:[\w.$]+\.)?(?:{'|'.join(_MISTAKES)})(?:[:\s\[]|$)"
    r"|^panic: |^thread '.*' panicked at |^Segmentation fault|^Traceback.*StackOverflow"
)
"""The last line of a stack trace whose error is a mistake of a program: of Python, JavaScript, Java, Go, Rust."""
_CHAIN: Final = re.compile(
    r"^(?:The above exception was the direct cause of the following exception|"
    r"During handling of the above exception, another exception occurred):$",
    re.MULTILINE,
)
"""The line between two exceptions in Python's traceback: the second one was raised while the first was handled."""
_TRACEBACK: Final = "Traceback (most recent call last):"


def _without_causes(text: str) -> str:
    """Return an output without the exceptions that led to another one."""
    *causes, last = _CHAIN.split(text)
    return "".join(cause.rpartition(_TRACEBACK)[0] for cause in causes) + last


_OF_PYTEST: Final = re.compile(r"^E\s+")
"""The margin of an error in a report of pytest."""
_ASSERTION: Final = re.compile(
    r"^(?:E\s+|\S+:\d+: )?(?:[\w.]+\.)?Assertion(?:Error|FailedError)\b", re.MULTILINE
)
