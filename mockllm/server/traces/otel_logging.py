"""What OpenTelemetry logs, in short, and not with tracebacks: handed to whoever listens just then.

Apart from the rest, which imports the SDK: it begins to log while it is imported.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Final

from mockllm.core.display import cut

LOGGERS: Final = ("opentelemetry", "urllib3")
_REASON: Final = re.compile(
    r"\[Errno -?\d+\] ([^'\")]+)|\[SSL: \w+\] ([^(]+)|Transient error (.{1,80}) encountered"
)
"""What stands in their sentences that a person can do something about."""


class OtelLogHandler(logging.Handler):
    """Takes the place of what else would be done with their logs. `hear` may be exchanged."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self.hear = hear
        for name in LOGGERS:
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = [self], False
            logger.setLevel(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        reason = _REASON.search(message)
        text = reason[reason.lastindex or 0] if reason else message
        self.hear(cut(" ".join(text.split()), 200))
