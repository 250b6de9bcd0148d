"""Bug: a response with status 200 is thought to have choices; some gateways send an error so.

Source: https://github.com/open-jarvis/OpenJarvis/issues/970
"""

import json

from wire import MENDED, ClientFailure, chat, check_finish, openai, parts, run, user, whole


def main() -> None:
    response = openai(chat([user("hi")]))
    try:
        body = whole(response) if MENDED else json.loads(b"".join(parts(response)))
    except ValueError:
        raise ClientFailure("no JSON") from None
    choice = body.get("choices")[0]
    check_finish(choice["finish_reason"])
    print(choice["message"]["content"] or choice["message"]["refusal"])


run(main)
