"""Bug: a stream that ends without a finish reason is taken for a complete response.

Source: https://github.com/griffinwork40/agent-afk/pull/635
"""

import json

from wire import MENDED, ClientFailure, chat, check_finish, openai, payloads, run, user


def main() -> None:
    finish = None
    for data in payloads(openai(chat([user("hi")], stream=True))):
        if data == "[DONE]":
            break
        chunk = json.loads(data)
        if "error" in chunk:
            raise ClientFailure("an error in the stream")
        for choice in chunk["choices"]:
            finish = choice["finish_reason"] or finish
            print(choice["delta"].get("content") or choice["delta"].get("refusal") or "", end="")
    print()
    if MENDED or finish is not None:
        check_finish(finish)


run(main)
