"""Bug: each chunk is thought to have a choice; the one with the usage has none.

Source: https://github.com/awslabs/llmeter/pull/34
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
        if MENDED and not chunk["choices"]:
            continue
        choice = chunk["choices"][0]
        finish = choice["finish_reason"] or finish
        print(choice["delta"].get("content") or choice["delta"].get("refusal") or "", end="")
    print()
    check_finish(finish)


run(main)
