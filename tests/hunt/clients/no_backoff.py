"""Bug: a failed request is sent again at once, many times.

Source: https://github.com/sturdystablestalwart/kiip-study/issues/457
"""

import os

from wire import MENDED, RETRIED, ClientFailure, chat, openai, run, send, texts, user

BODY = chat([user("hi")], stream=True)


def main() -> None:
    if MENDED:
        response = openai(BODY)
    else:
        for _ in range(12):
            try:
                response = send(os.environ["OPENAI_BASE_URL"], "/chat/completions", BODY)
            except OSError:
                continue
            if response.status == 200:
                break
            if response.status not in RETRIED:
                raise ClientFailure(f"status {response.status}")
        else:
            raise ClientFailure("no response")
    for text in texts(response):
        print(text, end="")
    print()


run(main)
