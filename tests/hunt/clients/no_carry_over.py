"""Bug: each read is parsed by itself, so that an event in two reads is lost.

Source: https://github.com/graniet/llm/pull/90 (HTTP chunks split events)
"""

import json

from wire import MENDED, chat, check_finish, openai, parts, run, user


def main() -> None:
    finish, rest = None, b""
    for part in parts(openai(chat([user("hi")], stream=True))):
        *events, rest = (rest + part).replace(b"\r\n", b"\n").split(b"\n\n")
        if not MENDED:
            events, rest = [*events, rest], b""  # nothing is left for the next read
        for event in events:
            try:
                data = event[event.index(b"data:") + 5 :].strip()
                chunk = {} if data == b"[DONE]" else json.loads(data)
            except ValueError:
                continue
            for choice in chunk.get("choices", ()):
                finish = choice["finish_reason"] or finish
                print(choice["delta"].get("content") or choice["delta"].get("refusal") or "", end="")
    print()
    check_finish(finish)


run(main)
