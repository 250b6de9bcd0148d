"""Bug: `retry-after` is read as a number, and may be a date.

Source: https://github.com/IBM/mcp-context-forge/pull/5745
"""

from http.client import HTTPResponse

from wire import MENDED, backoff, chat, openai, run, texts, user, wait_of


def number_of(response: HTTPResponse, tries: int) -> float:
    return float(response.headers.get("retry-after") or backoff(tries))


def main() -> None:
    wait = wait_of if MENDED else number_of
    for text in texts(openai(chat([user("hi")], stream=True), wait=wait)):
        print(text, end="")
    print()


run(main)
