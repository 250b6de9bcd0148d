"""Bug: 529 is not among the statuses that are retried.

Source: https://github.com/agentscope-ai/QwenPaw/pull/1891
"""

from wire import MENDED, RETRIED, ClientFailure, anthropic, run, user, whole


def main() -> None:
    retried = RETRIED if MENDED else RETRIED - {529}
    body = whole(anthropic({"model": "claude-sonnet-5", "messages": [user("hi")]}, retried=retried))
    if body["stop_reason"] != "end_turn":
        raise ClientFailure(f"the answer is not complete: {body['stop_reason']}")
    print("".join(block["text"] for block in body["content"]))


run(main)
