"""Names of all commands, options and environment variables."""

from __future__ import annotations

import re
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from unittest.mock import patch

from tests.snapshots.commands import run_command
from tests.snapshots.snapshot import check_snapshot

VARIABLE: Final = re.compile(r"\[([A-Z][A-Z_0-9]+(?:, [A-Z][A-Z_0-9]+)*)\]")
SECTIONED: Final = ("pack",)
"""Commands that have commands of their own."""


def parser_of(*command: str) -> ArgumentParser:
    """The parser whose help a command prints."""
    parsers: list[ArgumentParser] = []

    def format_help(parser: ArgumentParser) -> str:
        parsers.append(parser)
        return ""

    with patch.object(ArgumentParser, "format_help", format_help):
        code, _, _ = run_command(*command, "--help", folder=Path.cwd())
    assert code == 0
    return parsers[-1]


def names_of(parser: ArgumentParser) -> list[str]:
    """The commands below a parser."""
    results = [action for action in parser._actions if isinstance(action, _SubParsersAction)]
    return [name for action in results for name in action.choices]


def options_of(parser: ArgumentParser) -> Iterator[str]:
    """A line for each option and argument, without its help text."""
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            continue
        variables = VARIABLE.findall(str(action.help or ""))
        name = " ".join(action.option_strings) or str(action.metavar or action.dest)
        details = [
            *([f"nargs={action.nargs}"] if action.nargs is not None else []),
            *([f"default={action.default}"] if action.default not in (None, "==SUPPRESS==") else []),
            *([f"choices={', '.join(map(str, action.choices))}"] if action.choices is not None else []),
            *([f"variables={', '.join(variables)}"] if variables else []),
        ]
        yield f"  {name}{'' if not details else '  ' + ' '.join(details)}\n"


def test_help_of_all_commands_names_expected_options() -> None:
    commands = [(), *((name,) for name in names_of(parser_of()))]
    for name in SECTIONED:
        commands += [(name, item) for item in names_of(parser_of(name))]
    outputs = [
        f"mockllm{''.join(f' {term}' for term in command)}\n{''.join(options_of(parser_of(*command)))}"
        for command in sorted(commands)
    ]
    check_snapshot("options.txt", "\n".join(outputs))
