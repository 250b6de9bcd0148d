"""What the service refuses about a chat request's shape and ranges, with its own messages and codes.

Model names, keys and fields that are not known here are never refused.
"""

from __future__ import annotations

from mockllm.core.failure import Failure
from mockllm.core.request import Request


def unreadable(request: Request) -> Failure | None:
    """What is wrong where the body is no JSON object."""
    if type(request.body) is dict:
        return None
    return Failure("bad_request", message=UNPARSED)


UNPARSED = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
    "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you "
    "have trouble figuring out how to fix this, please contact us through our help center at "
    "help.openai.com.)"
)


def check(request: Request) -> Failure | None:
    return unreadable(request)
