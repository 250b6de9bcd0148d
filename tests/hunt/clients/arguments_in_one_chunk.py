"""Bug: the arguments of a tool call are parsed as they come, although they come in several chunks.

Source: https://github.com/open-webui/computer/issues/252
"""

import json
from typing import Any

from wire import MENDED, ClientFailure, chat, chunks, openai, run, user

TOOLS = [{"type": "function", "function": {"name": name}} for name in ("book_flight", "book_hotel")]


def main() -> None:
    calls: dict[int, dict[str, Any]] = {}
    for chunk in chunks(openai(chat([user("book")], stream=True, tools=TOOLS))):
        for choice in chunk["choices"]:
            print(choice["delta"].get("content") or choice["delta"].get("refusal") or "", end="")
            for call in choice["delta"].get("tool_calls", ()):
                text = call["function"].get("arguments", "")
                known = calls.setdefault(call["index"], {"name": call["function"].get("name"), "text": ""})
                known["text"] += text
                if not MENDED and text:
                    known["arguments"] = json.loads(text)
    print()
    for call in calls.values():
        try:
            arguments = call["arguments"] if not MENDED else json.loads(call["text"])
        except ValueError:
            raise ClientFailure("the arguments are no JSON") from None
        print(call["name"], json.dumps(arguments, ensure_ascii=False))


run(main)
