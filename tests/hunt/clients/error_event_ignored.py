"""Bug: an error in a stream is an event that the client does not know, and passes over.

Source: https://github.com/Pasta-Devs/Marinara-Engine/issues/2659
"""

import json

from wire import MENDED, ClientFailure, anthropic, payloads, run, user


def main() -> None:
    stop, failed = None, False
    body = {"model": "claude-sonnet-5", "messages": [user("hi")], "stream": True}
    for data in payloads(anthropic(body)):
        event = json.loads(data)
        if event["type"] == "error" and MENDED:
            raise ClientFailure(f"an error in the stream: {event['error']}")
        failed = failed or event["type"] == "error"
        if event["type"] == "content_block_delta":
            print(event["delta"]["text"], end="")
        elif event["type"] == "message_delta":
            stop = event["delta"]["stop_reason"]
    print()
    if stop != "end_turn" and not failed:
        raise ClientFailure(f"the answer is not complete: {stop}")


run(main)
