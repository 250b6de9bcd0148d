"""The response headers of Google's endpoints that describe the response.

The headers that Google's front server adds to every response (framing and sniffing rules, timing) are
omitted.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.rendering.plan import Headers

JSON: Final[Headers] = (("content-type", "application/json; charset=UTF-8"),)
STREAM: Final[Headers] = (("content-type", "text/event-stream"), ("content-disposition", "attachment"))
EVENTS: Final[Headers] = (("content-type", "text/event-stream"),)
"""The headers of an error for a request for server-sent events: the body is no event, but has their content
type."""
TIER: Final[Headers] = (("x-gemini-service-tier", "standard"),)
"""The additional headers of Gemini's non-streaming responses."""
