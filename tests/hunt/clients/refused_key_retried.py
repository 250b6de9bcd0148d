"""Bug: every failure is retried, also one that no retry can repair.

Source: https://github.com/coder/xum/issues/544
"""

from wire import MENDED, RETRIED, chat, openai, run, texts, user


def main() -> None:
    retried = RETRIED if MENDED else RETRIED | {400, 401, 403, 404}
    for text in texts(openai(chat([user("hi")], stream=True), retried=retried)):
        print(text, end="")
    print()


run(main)
