"""The response headers of Google's endpoints that say something of the answer.

What the server in front adds to every answer of Google's (framing and sniffing rules, timing) is left out.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.rendering.plan import Headers

JSON: Final[Headers] = (("content-type", "application/json; charset=UTF-8"),)
STREAM: Final[Headers] = (("content-type", "text/event-stream"), ("content-disposition", "attachment"))
EVENTS: Final[Headers] = (("content-type", "text/event-stream"),)
"""Of an error where server-sent events were asked for: it is no event, and keeps their type."""
TIER: Final[Headers] = (("x-gemini-service-tier", "standard"),)
"""Of what Gemini's models were asked, beside streams."""
