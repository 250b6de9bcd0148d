"""A log handler for OpenTelemetry that reports short lines instead of tracebacks.

Separate from the exporter, because the SDK logs while it is imported.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Final

from mockllm.core.display import shortened

LOGGERS: Final = ("opentelemetry", "urllib3")
_REASON: Final = re.compile(
    r"\[Errno -?\d+\] ([^'\")]+)|\[SSL: \w+\] ([^(]+)|Transient error (.{1,80}) encountered"
)
"""The useful part of the SDK's messages."""


class OtelLogHandler(logging.Handler):
    """Replaces all other handlers of the loggers. `report` may be replaced later."""

    def __init__(self, report: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self.report = report
        for name in LOGGERS:
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = [self], False
            logger.setLevel(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        reason = _REASON.search(message)
        text = reason[reason.lastindex or 0] if reason else message
        self.report(shortened(" ".join(text.split()), 200))
