"""Bug: each line of a stream has to be `name: value`, so that a comment ends it.

Source: https://github.com/mistralai/mistral-vibe/pull/774 (llama.cpp sends keep-alive comments)
"""

import json

from wire import MENDED, ClientFailure, chat, check_finish, lines, openai, run, user


def main() -> None:
    finish = None
    for line in lines(openai(chat([user("hi")], stream=True))):
        if not line or (MENDED and line.startswith(":")):
            continue
        name, _, value = line.partition(":")
        if name not in ("data", "event", "id", "retry"):
            raise AttributeError(f"stream chunk improperly formatted: {line}")
        if value.strip() == "[DONE]":
            break
        chunk = json.loads(value)
        if "error" in chunk:
            raise ClientFailure("an error in the stream")
        for choice in chunk["choices"]:
            finish = choice["finish_reason"] or finish
            print(choice["delta"].get("content") or choice["delta"].get("refusal") or "", end="")
    print()
    check_finish(finish)


run(main)
