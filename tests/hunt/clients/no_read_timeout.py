"""Bug: nothing bounds the wait for the next byte.

Source: https://github.com/openonion/connectonion/issues/1116
"""

from wire import MENDED, READ_TIMEOUT, chat, openai, run, texts, user


def main() -> None:
    timeout = READ_TIMEOUT if MENDED else None
    for text in texts(openai(chat([user("hi")], stream=True), timeout=timeout)):
        print(text, end="")
    print()


run(main)
