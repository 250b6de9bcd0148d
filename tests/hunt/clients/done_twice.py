"""Bug: a task that fails is begun again from its start, so that its tools run again.

Source: https://github.com/crewAIInc/crewAI/issues/5802
"""

import os
from pathlib import Path
from typing import Any

from wire import MENDED, ClientFailure, chat, openai, run, user, whole

TOOLS = [{"type": "function", "function": {"name": name}} for name in ("book_flight", "book_hotel")]
KNOWN = ("book_flight", "book_hotel")
DONE = Path(os.environ.get("MOCKLLM_RUN_DIR", ".")) / "bookings"


def book(call: dict[str, Any], done: set[str]) -> dict[str, Any]:
    name = call["function"]["name"]
    if name not in KNOWN:
        raise ClientFailure(f"no tool is called {name}")
    if not MENDED or name not in done:
        with DONE.open("a") as file:
            file.write(f"{name}\n")
    done.add(name)
    return {"role": "tool", "tool_call_id": call["id"], "content": "done"}


def task(done: set[str]) -> str:
    messages = [user("book")]
    for _ in range(3):
        choice = whole(openai(chat(messages, tools=TOOLS)))["choices"][0]
        calls = choice["message"].get("tool_calls")
        if not calls:
            if choice["finish_reason"] != "stop":
                raise ClientFailure("the answer is not complete")
            return choice["message"]["content"] or choice["message"]["refusal"] or ""
        messages += [choice["message"], *(book(call, done) for call in calls)]
    raise ClientFailure("the model calls tools for ever")


def main() -> None:
    done: set[str] = set()
    try:
        print(task(done))
    except ClientFailure as failed:
        if failed.final:
            raise
        print(task(done))


run(main)
