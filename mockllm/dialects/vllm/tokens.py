"""POST /tokenize and POST /detokenize.

Sources: `TokenizeCompletionRequest`, `TokenizeChatRequest`, `TokenizeResponse` and `DetokenizeRequest` of
`vllm/entrypoints/serve/tokenize/protocol.py`. There is no vocabulary: `core.token_numbers` makes the tokens. So a
count equals the prompt tokens of a legacy completion.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import list_of, text_of
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.request import Request
from mockllm.core.token_numbers import text_of_tokens, token_numbers, token_string
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.validators import check_readable, missing_parameter, string, wrong_type
from mockllm.dialects.vendors.errors import VendorCall, head
from mockllm.dialects.vllm.request import MAX_MODEL_LEN

LONG_TEXT: Final = 80_000
"""Characters. Cutting more of them takes more than about 10 ms."""
LONG_LIST: Final = 10_000
"""Tokens. A list of more takes more than about 5 ms."""


class TokenizeRequest(ChatRequest):
    api = "tokenize"
    generates = False

    @property
    def text(self) -> str:
        """The prompt, or the messages in a chat template's form (that of ChatML)."""
        prompt = self.fields.get("prompt")
        if type(prompt) is str:
            return prompt
        turns = [f"<|im_start|>{turn.role}\n{turn.text}<|im_end|>\n" for turn in self.messages]
        opening = "<|im_start|>assistant\n" if self.fields.get("add_generation_prompt") is not False else ""
        return "".join(turns) + opening

    @property
    def planning_takes_long(self) -> bool:
        return len(self.text) > LONG_TEXT


class TokenCall(VendorCall):
    """The base of both calls."""

    name = "openai"
    generates = False

    check_readable = staticmethod(check_readable)

    def plan(self, body: Json, identity: ResponseIdentity) -> Plan:
        return Plan(head(self.vendor, identity, "application/json"), (EventStep(dumps(body), 0, "body"),))


class Tokenize(TokenCall):
    """POST /tokenize: of a `prompt`, or of `messages`."""

    api = "tokenize"
    request_class = TokenizeRequest

    def check(self, request: Request) -> Failure | None:
        error = check_readable(request)
        if error is not None:
            return error
        fields = request.fields
        prompt, messages = fields.get("prompt"), fields.get("messages")
        if prompt is not None:
            return string(prompt, "prompt")
        if messages is None:
            return missing_parameter("prompt")
        return None if type(messages) is list else wrong_type(messages, "messages", "an array")

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, TokenizeRequest)
        text = request.text
        numbers = token_numbers(
            text, None if request.fields.get("prompt") is not None else request.input_tokens
        )
        strings: Json = None
        if request.fields.get("return_token_strs") is True:
            strings = [token_string(number) for number in numbers]
        counted: dict[str, Json] = {"count": len(numbers), "max_model_len": MAX_MODEL_LEN}
        return self.plan({**counted, "tokens": numbers, "token_strs": strings}, identity)


class DetokenizeRequest(Request):
    dialect = "openai"
    api = "detokenize"

    @property
    def model(self) -> str | None:
        return text_of(self.fields.get("model"))

    @property
    def planning_takes_long(self) -> bool:
        return len(list_of(self.fields.get("tokens"))) > LONG_LIST


class Detokenize(TokenCall):
    """POST /detokenize."""

    api = "detokenize"
    request_class = DetokenizeRequest

    def check(self, request: Request) -> Failure | None:
        return check_readable(request) or _check_tokens(request.fields.get("tokens"))

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        numbers: Json = request.fields.get("tokens")
        known = numbers if _check_tokens(numbers) is None else ()
        return self.plan({"prompt": text_of_tokens(known)}, identity)


def _check_tokens(numbers: Json) -> Failure | None:
    if numbers is None:
        return missing_parameter("tokens")
    valid = type(numbers) is list and len(numbers) <= MAX_MODEL_LEN
    if valid and all(type(number) is int and 0 <= number < 2**63 for number in numbers):
        return None
    return wrong_type(numbers, "tokens", f"an array of at most {MAX_MODEL_LEN} integers from 0 to 2**63 - 1")
