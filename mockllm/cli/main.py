"""`mockllm COMMAND`: finds the command and runs it. What a command needs is imported when it runs."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from mockllm import __version__
from mockllm.cli.gc_pause import staying
from mockllm.cli.skip_ca_loading import unread_authorities

COMMANDS: Final = {
    "serve": "serve scenarios",
    "check": "find mistakes in scenarios, without a server",
    "explain": "tell what would answer a request, and why",
    "test": "run the examples in scenario files",
    "exec": "run a command with a server that it finds by its environment",
    "pack": "make, check, test, build and use packs of scenarios",
    "diff": "tell which requests two versions of scenarios answer otherwise",
    "record": "pass requests on to the real providers, and record the answers",
    "import": "make scenario files of what other tools have recorded",
    "hash": "tell a request's hashes, as `match: {hash: …}` names it",
    "requests": "list what a running server was asked",
    "verify": "tell whether a running server was asked what is expected",
    "verdict": "tell how the clients of a running server behave",
    "schema": "write the JSON Schemas of scenario files and packs",
    "init": "make a commented starter folder",
}
MODULES: Final = {"import": "importing"}
"""Where a command's module cannot be called like it."""
ENDED: Final = ((signal.SIGTERM, 0), (signal.SIGINT, 130))
"""The exit code of a start that is broken off: to stop a server is no failure, but Ctrl-C tells a shell."""
_SHORT: Final = {"-p": "--port", "-q": "--quiet", "-v": "--verbose", "-H": "--host", "-s": "--scenarios"}
"""Options as they are called in short elsewhere."""
LOOKING: Final = ("check", "explain", "test", "diff", "hash", "schema")
"""What leaves nothing behind wherever it is broken off."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command and exits: 0 where all is well, 1 where a check failed, 2 for a mistake of usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with _ending_well(given):
            sys.exit(_run(given))
    except KeyboardInterrupt:  # also while it starts: importing takes most of that time
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)


@contextmanager
def _ending_well(given: Sequence[str]) -> Iterator[None]:
    """A server that still starts is ended by a signal at once, and by Ctrl-C what only looks; when a server's
    loop runs it hears them itself. Not by an exception: some parts written in C do not stand one while they are
    imported."""
    word = given[0] if given else ""
    ends = ENDED if word in ("serve", "record") else ENDED[1:] if word in LOOKING else ()
    before = {number: signal.signal(number, lambda *_, code=code: os._exit(code)) for number, code in ends}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(given: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="mockllm",
        description="A mock server for LLM provider APIs, driven by YAML scenarios.",
    )
    parser.add_argument("--version", action="version", version=f"mockllm {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = parser
    for name, help in COMMANDS.items():
        sub = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
        if given[:1] == [name]:  # only the command that runs is imported
            with staying(), unread_authorities():
                module = importlib.import_module(f"mockllm.cli.{MODULES.get(name, name)}")
            module.arguments(sub)
            sub.set_defaults(run=module.run)
            chosen = sub
    if not given:
        parser.print_help(sys.stderr)
        return 2
    if not given[0].startswith("-") and chosen is parser:
        return _no_command(given[0])
    namespace, left = parser.parse_known_args(given)
    if left:
        return _not_understood(chosen, left[0])
    from mockllm.cli.options import BadOption

    try:
        code: int = namespace.run(namespace)
    except BadOption as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 2
    return code


def _no_command(word: str) -> int:
    from mockllm.scenario.diagnostics import either, nearest

    near = nearest(word, COMMANDS)
    hint = f'did you mean "{near}"?' if near else f"expected {either(COMMANDS)}"
    print(f'mockllm: there is no command "{word}"; {hint}', file=sys.stderr)
    return 2


def _not_understood(parser: argparse.ArgumentParser, word: str) -> int:
    """What is said of a word that a command does not take."""
    from mockllm.scenario.diagnostics import nearest

    options = set(re.findall(r"--[a-z-]+", parser.format_help()))
    near = nearest(word.partition("=")[0], options) or _SHORT.get(word[:2] if word[1:2].isalpha() else "")
    near = near if near in options else None
    hint = f"`{parser.prog} --help` names what there is"
    if word.startswith("-"):
        hint = f"did you mean {near}?" if near else hint
        print(f"{parser.prog}: there is no option {word}; {hint}", file=sys.stderr)
        return 2
    meant = "--scenarios" if os.path.exists(word) else "--port" if word.isdecimal() else None
    hint = f"did you mean {meant} {word}?" if meant in options else hint
    print(f'{parser.prog}: "{word}" is not expected here; {hint}', file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
