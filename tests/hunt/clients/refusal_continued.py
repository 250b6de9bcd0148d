"""Bug: a refusal stays in the conversation, and the conversation goes on.

Source: https://github.com/can1357/oh-my-pi/issues/3592
"""

from typing import Any

from wire import MENDED, ClientFailure, anthropic, run, user, whole


def reply(messages: list[Any]) -> str:
    body = whole(anthropic({"model": "claude-sonnet-5", "messages": messages}))
    if body["stop_reason"] not in ("end_turn", "refusal"):
        raise ClientFailure(f"the answer is not complete: {body['stop_reason']}")
    if MENDED and body["stop_reason"] == "refusal":
        raise ClientFailure("the model refused")
    return "".join(block["text"] for block in body["content"])


def main() -> None:
    messages = [user("hi")]
    first = reply(messages)
    messages += [{"role": "assistant", "content": first or "-"}, user("and now?")]
    print(reply(messages))


run(main)
