"""A session of a server that stores chat completions, and what its calls return."""

from __future__ import annotations

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.randomness import Ids
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Choice, Part, Reply
from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.dialect import CHAT
from mockllm.dialects.openai.chat.stored_calls import StoredChatCall, StoredChatRequest
from mockllm.state.local_objects import LocalObjects
from tests.dialects.openai.chat.chat_requests import IDENTITY, chat


class StoringSession:
    """A server's session: parses requests with its store, responds, and updates the store."""

    def __init__(self) -> None:
        self.memory = LocalObjects()
        self.responses = 0

    def respond(self, *parts: Part, stream: bool = False, **fields: Json) -> str:
        """Serve a request with `store`, update the store, and return the completion's id."""
        self.responses += 1
        identity = ResponseIdentity(Ids(0, "", self.responses), IDENTITY.now)
        request = chat(**{"store": True, **fields, "stream": stream})
        reply = Reply((Choice(parts),))
        plan = (CHAT.encode_stream if stream else CHAT.encode_body)(reply, request, identity)
        self.remember(CHAT.storage_update(plan, request))
        first = plan.steps[0]
        assert isinstance(first, EventStep)
        return str(loads(first.payload)["id"])

    def remember(self, memo: StorageUpdate | None) -> None:
        if memo is not None:
            self.memory.apply_storage_update("", memo)

    def call(self, call: StoredChatCall, id: str = "", query: str = "", body: Json = None) -> Plan | Failure:
        request = StoredChatRequest(
            method="GET",
            path="/v1/chat/completions",
            headers={},
            query_string=query,
            raw=b"" if body is None else dumps(body),
            path_variables={"completion": id},
            object_lookup=self.memory.lookup(""),
        )
        wrong = call.check(request)
        if wrong is not None:
            return wrong
        response = call.own_response(request, IDENTITY)
        if isinstance(response, Plan):
            remembering = getattr(call, "storage_update", None)
            self.remember(None if remembering is None else remembering(response, request))
        return response


def body(response: Plan | Failure) -> Json:
    assert isinstance(response, Plan)
    assert isinstance(response.steps[0], EventStep)
    return loads(response.steps[0].payload)


def ids(response: Plan | Failure) -> list[str]:
    return [item["id"] for item in body(response)["data"]]
