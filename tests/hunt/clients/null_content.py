"""Bug: the content of a message is thought to be a text, and may be null.

Source: https://github.com/NousResearch/hermes-agent/pull/3389
"""

from wire import MENDED, chat, check_finish, openai, run, user, whole


def main() -> None:
    choice = whole(openai(chat([user("hi")])))["choices"][0]
    check_finish(choice["finish_reason"])
    message = choice["message"]
    if MENDED:
        print((message["content"] or message["refusal"] or "").strip())
    else:
        print(message["content"].strip())


run(main)
