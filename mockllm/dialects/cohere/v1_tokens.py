"""POST /v1/tokenize and /v1/detokenize, which makes the same text of the tokens again.

From the methods `tokenize` and `detokenize` of the `cohere` package (7.3, `cohere/base_client.py`), and its types
`TokenizeResponse` and `DetokenizeResponse`. There is no vocabulary: `core.token_numbers` makes the tokens. The
messages of the refusals are inferred.
"""

from __future__ import annotations

from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import text_of
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Message, Request, TextPart
from mockllm.core.token_numbers import text_of_tokens, token_numbers, token_string
from mockllm.dialects.cohere.errors import CohereCall, error_plan_v1, required
from mockllm.dialects.cohere.lookups import body_plan
from mockllm.dialects.cohere.request import CohereBaseRequest
from mockllm.dialects.dialect import ResponseIdentity

MAX_TEXT: Final = 65_536
"""The most characters of a text (docstring of `tokenize`)."""
MAX_TOKENS: Final = 2 * MAX_TEXT
"""The most tokens that become a text: more than the longest text has. This is a bound of this server."""
LONG_TEXT: Final = 2_000
"""Characters. More of them may take more than 5 ms."""
LONG_LIST: Final = 2_000
"""Tokens. More of them may take more than 2 ms."""
META: Final[dict[str, Json]] = {"api_version": {"version": "1"}}


class CohereTokenizeRequest(CohereBaseRequest):
    """A request to /v1/tokenize."""

    api = "tokenize"

    @cached_property
    def text(self) -> str:
        """The text; with `validation: off` a long one is cut."""
        return (text_of(self.fields.get("text")) or "")[: MAX_TEXT + 1]

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """The text as a message of the user."""
        return (Message("user", (TextPart(self.text),)),) if self.text else ()

    @property
    def planning_takes_long(self) -> bool:
        return len(self.text) > LONG_TEXT


class CohereTokenize(CohereCall):
    """POST /v1/tokenize: the tokens of a text, as numbers and as texts."""

    api = "tokenize"
    request_class = CohereTokenizeRequest
    error = staticmethod(error_plan_v1)

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, CohereTokenizeRequest)
        failure = self.check_readable(request) or required(request.fields, text=str, model=str)
        if failure is not None:
            return failure
        if 1 <= len(request.text) <= MAX_TEXT:
            return None
        return Failure(
            "bad_request", message=f"invalid request: text must have from 1 to {MAX_TEXT} characters"
        )

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, CohereTokenizeRequest)
        numbers = token_numbers(request.text)
        strings = [token_string(number) for number in numbers]
        return body_plan({"tokens": numbers, "token_strings": strings, "meta": META}, identity)


class CohereDetokenizeRequest(CohereBaseRequest):
    """A request to /v1/detokenize."""

    api = "detokenize"

    @cached_property
    def tokens(self) -> list[int] | None:
        """The tokens; None where the field is no list of tokens, or is too long."""
        listed = self.fields.get("tokens")
        if type(listed) is not list or len(listed) > MAX_TOKENS:
            return None
        valid = all(type(number) is int and 0 <= number < 2**63 for number in listed)
        return listed if valid else None

    @property
    def planning_takes_long(self) -> bool:
        return len(self.tokens or ()) > LONG_LIST


class CohereDetokenize(CohereCall):
    """POST /v1/detokenize: the text of tokens."""

    api = "detokenize"
    request_class = CohereDetokenizeRequest
    error = staticmethod(error_plan_v1)

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, CohereDetokenizeRequest)
        failure = self.check_readable(request) or required(request.fields, tokens=list, model=str)
        if failure is not None or request.tokens is not None:
            return failure
        problem = f"tokens must be a list of at most {MAX_TOKENS} integers from 0 to 2**63 - 1"
        return Failure("bad_request", message=f"invalid request: {problem}")

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, CohereDetokenizeRequest)
        return body_plan({"text": text_of_tokens(request.tokens or ()), "meta": META}, identity)
