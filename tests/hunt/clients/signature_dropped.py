"""Bug: an empty chunk of thinking ends it, so that the signature behind it is dropped.

Source: https://github.com/nextlevelbuilder/goclaw/issues/566 (thinking of streams goes back without a signature)
"""

import json
from typing import Any

from wire import MENDED, ClientFailure, anthropic, payloads, run, user

SPELLED = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def content_of(messages: list[Any]) -> list[dict[str, str]]:
    """The blocks of a streamed reply."""
    blocks: list[dict[str, str]] = []
    stop, ended = None, False
    body = {"model": "claude-sonnet-5", "max_tokens": 2000, "stream": True, "messages": messages}
    body["thinking"] = {"type": "adaptive", "display": "summarized"}
    for data in payloads(anthropic(body)):
        event = json.loads(data)
        match event["type"]:
            case "error":
                raise ClientFailure(f"an error in the stream: {event['error']}")
            case "content_block_start":
                blocks.append({"type": event["content_block"]["type"]})
                ended = False
            case "content_block_delta":
                word = SPELLED[event["delta"]["type"]]
                ended = ended or not (event["delta"][word] or MENDED)
                if not ended:
                    blocks[-1][word] = blocks[-1].get(word, "") + event["delta"][word]
            case "message_delta":
                stop = event["delta"]["stop_reason"]
    if stop != "end_turn":
        raise ClientFailure(f"the answer is not complete: {stop}")
    return blocks


def main() -> None:
    messages = [user("think")]
    messages += [{"role": "assistant", "content": content_of(messages)}, user("and now?")]
    print("".join(block.get("text", "") for block in content_of(messages)))


run(main)
