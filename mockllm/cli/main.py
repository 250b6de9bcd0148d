"""`mockllm COMMAND`: finds and runs the command. Only the modules of that command are imported."""

from __future__ import annotations

try:
    import argparse
    import errno
    import importlib
    import os
    import re
    import signal
    import sys
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import contextmanager, suppress
    from io import TextIOWrapper
    from typing import Final

    from mockllm import __version__
    from mockllm.cli.startup import (
        INTERRUPTED,
        aiohttp_client_deferred,
        ended_by_ctrl_c,
        gc_paused_then_frozen,
        skip_pydantic_plugins,
    )
except KeyboardInterrupt:  # the imports are most of a short command's time
    raise SystemExit(130) from None

COMMANDS: Final = {
    "serve": "serve scenarios",
    "check": "find mistakes in scenarios, without a server",
    "explain": "show the response to a request, and the reasons",
    "test": "run the examples in scenario files",
    "exec": "run a command with a server that it finds by its environment",
    "mcp": "serve an MCP server over standard input and output",
    "env": "print the environment variables by which SDKs find a server",
    "hunt": "search for the failure of a provider that breaks a command",
    "pack": "create, check, test, build and use packs of scenarios",
    "diff": "compare two versions of scenarios and list requests with different responses",
    "drift": "compare live providers, or recordings, with this server",
    "record": "forward requests to the real providers, and record the responses",
    "import": "convert recordings of other tools to scenario files",
    "fit": "write a scenario that is as fast as a benchmark measured a server",
    "hash": "print the hashes of a request, for `match: {hash: …}`",
    "requests": "list the requests that a running server received",
    "verify": "check the requests of a running server against expectations",
    "verdict": "report how the clients of a running server behave",
    "schema": "write the JSON Schemas of scenario files and packs",
    "cookbook": "print scenarios for known symptoms of clients",
    "init": "write a commented starter folder",
    "docs": "serve the documentation on this machine, without a network",
    "completion": "print a completion script for a shell",
}
MODULES: Final = {"import": "importing"}
"""Commands whose module has another name, because the command is a Python keyword."""
ENDED: Final = ((signal.SIGTERM, 0), (signal.SIGINT, INTERRUPTED))
"""Exit codes of an interrupted start. A stopped server is not a failure; after Ctrl-C a shell needs to know."""
_SHORT: Final = {"-p": "--port", "-q": "--quiet", "-v": "--verbose", "-H": "--host", "-s": "--scenarios"}
"""Short forms of options in other tools, for suggestions."""
READ_ONLY: Final = ("cookbook", "docs", "check", "explain", "test", "diff", "hash", "schema")
"""Commands that write nothing and can be interrupted anywhere."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 for success, 1 for a failed check, 2 for a usage mistake."""
    args = list(sys.argv[1:] if arguments is None else arguments)
    _open_closed_streams()
    _escape_unprintable()
    code = _exit_code(args)
    try:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.flush()  # here, because Python prints an exception where its own last flush fails
    except OSError as error:
        from mockllm.server.line_output import discard

        discard(sys.stdout)
        code = code if isinstance(error, BrokenPipeError) else _write_failed(error)
    sys.exit(code)


def _exit_code(args: list[str]) -> str | int | None:
    try:
        with _immediate_exit(args):
            return _run(args)
    except SystemExit as end:
        return end.code
    except KeyboardInterrupt:  # also during the start, which is mostly imports
        return INTERRUPTED
    except BrokenPipeError:
        return 0
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return _write_failed(error)
        problem = _working_folder_problem()
        if problem is None:
            raise
        print(f"mockllm: {problem}", file=sys.stderr)
        return 2


def _working_folder_problem() -> str | None:
    """Return why no path can be read relative to the working folder; None if it can be."""
    try:
        return None if os.access(os.getcwd(), os.X_OK) else "the working folder may not be read"
    except OSError:
        return "the working folder does not exist any more"


def _write_failed(error: OSError) -> int:
    print(f"mockllm: the output cannot be written: {error.strerror}", file=sys.stderr)
    return 1


def _open_closed_streams() -> None:
    """Open the null device in place of each standard stream that a supervisor has closed. Its number would otherwise
    become that of a socket, and libuv ends the process when it closes such a socket."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        with suppress(OSError):
            os.fstat(number)
            continue
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it has the lowest number that is free
        setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115 - stays open


def _escape_unprintable() -> None:
    """Escape the characters that standard output cannot encode, as standard error does. In JSON an escape such as
    `\\u2192` has the same meaning."""
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors in ("strict", "surrogateescape"):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextmanager
def _immediate_exit(args: Sequence[str]) -> Iterator[None]:
    """Exit at once on a signal while a server starts, and on Ctrl-C in a read-only command. A running server's loop
    handles signals itself. `ended_by_ctrl_c` says why an exception would not work."""
    argument = args[0] if args else ""
    serves = argument in ("serve", "record")
    ends = ENDED if serves else ENDED[1:] if argument in READ_ONLY else ()
    before = {number: signal.signal(number, lambda *_, code=code: os._exit(code)) for number, code in ends}
    in_terminal = any(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    if argument == "serve" and hasattr(signal, "SIGHUP") and not in_terminal:  # an order to reload, too early
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(args: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="mockllm", description="A mock server for LLM provider APIs, driven by YAML scenarios."
    )
    parser.add_argument("--version", action="version", version=f"mockllm {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = parser
    for name, help in COMMANDS.items():
        if args and name != args[0] in COMMANDS:
            continue  # a list of all commands is for a command line that names none
        sub = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
        if args[:1] == [name]:  # only the command that runs is imported
            skip_pydantic_plugins()
            with ended_by_ctrl_c(), gc_paused_then_frozen(), aiohttp_client_deferred():
                module = importlib.import_module(f"mockllm.cli.{MODULES.get(name, name)}")
            module.arguments(sub)
            sub.set_defaults(run=module.run)
            chosen = sub
    if not args:
        parser.print_help(sys.stderr)
        return 2
    known = chosen.get_default("known")
    if known and len(args) == 1:
        chosen.print_help(sys.stderr)
        return 2
    if not args[0].startswith("-") and chosen is parser:
        return _unknown_command("mockllm", args[0], COMMANDS)
    if known and len(args) > 1 and not args[1].startswith("-") and args[1] not in known:
        return _unknown_command(chosen.prog, args[1], known)
    namespace, left = parser.parse_known_args(args)
    if left:
        return _unknown_argument(known[args[1]] if known and args[1] in known else chosen, left[0])
    from mockllm.cli.option import BadOption

    try:
        code: int = namespace.run(namespace)
    except BadOption as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 2
    return code


def _unknown_command(program: str, argument: str, known: Iterable[str]) -> int:
    from mockllm.scenario.diagnostics import nearest, quoted_choice

    near = nearest(argument, known)
    hint = f'did you mean "{near}"?' if near else f"expected {quoted_choice(known)}"
    print(f'{program}: unknown command "{argument}"; {hint}', file=sys.stderr)
    return 2


def _unknown_argument(parser: argparse.ArgumentParser, argument: str) -> int:
    """Report an argument that a command does not accept. Return exit code 2."""
    from mockllm.scenario.diagnostics import nearest

    # a help text may name an option of another command
    options = set(re.findall(r"--[a-z-]+", parser.format_help())) - {argument.partition("=")[0]}
    # without the dashes, which would count as two equal letters
    near = nearest(argument.partition("=")[0].lstrip("-"), [option[2:] for option in options])
    near = f"--{near}" if near else _SHORT.get(argument[:2] if argument[1:2].isalpha() else "")
    near = near if near in options else None
    hint = f"`{parser.prog} --help` lists all options"
    if argument.startswith("-"):
        hint = f"did you mean {near}?" if near else hint
        print(f"{parser.prog}: unknown option {argument}; {hint}", file=sys.stderr)
        return 2
    names_file = os.path.exists(argument) or argument.endswith((".yaml", ".yml"))
    meant = "--scenarios" if names_file else "--port" if argument.isdecimal() else None
    hint = f"did you mean {meant} {argument}?" if meant in options else hint
    print(f'{parser.prog}: "{argument}" is not expected here; {hint}', file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
