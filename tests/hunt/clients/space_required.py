"""Bug: `data:` counts only with a space behind it.

Source: https://github.com/openai/openai-python/pull/559
"""

import json

from wire import MENDED, ClientFailure, chat, check_finish, lines, openai, run, user

PREFIX = "data:" if MENDED else "data: "


def main() -> None:
    finish = None
    for line in lines(openai(chat([user("hi")], stream=True))):
        if not line.startswith(PREFIX) or line.endswith("[DONE]"):
            continue
        chunk = json.loads(line.removeprefix(PREFIX))
        if "error" in chunk:
            raise ClientFailure("an error in the stream")
        for choice in chunk["choices"]:
            finish = choice["finish_reason"] or finish
            print(choice["delta"].get("content") or choice["delta"].get("refusal") or "", end="")
    print()
    check_finish(finish)


run(main)
