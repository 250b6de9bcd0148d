"""Bug: a stream that breaks off is begun again, behind the text that it has printed already.

Source: https://github.com/HKUDS/nanobot/issues/4038
"""

from wire import MENDED, ClientFailure, chat, openai, run, texts, user


def main() -> None:
    for last in (False, True):
        printed = ""
        try:
            for text in texts(openai(chat([user("hi")], stream=True))):
                print(text, end="")
                printed += text
            break
        except ClientFailure as failed:
            if last or failed.final or (MENDED and printed):
                raise
    print()


run(main)
