"""`mockllm completion SHELL`: a completion script for a shell, with all commands and options."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Final

from mockllm.cli.main import COMMANDS, MODULES
from mockllm.scenario.pack_resolver import bundled_names

SHELLS: Final = ("bash", "zsh", "fish")
PLACES: Final = """\
Load it in each shell:
  bash  echo 'source <(mockllm completion bash)' >> ~/.bashrc
  zsh   mockllm completion zsh > "${fpath[1]}/_mockllm"
  fish  mockllm completion fish > ~/.config/fish/completions/mockllm.fish"""

PATHS: Final = frozenset((
    "BODY", "COMMAND", "DIR", "FILE", "FILE|URL", "FOLDER", "NEW", "OLD", "PACK", "R.json", "REQUEST.json",
    "RESULT.json", "SOURCE", "stdout|FILE",
))  # fmt: skip
"""The values that may be a file or a folder, by the name that `--help` shows."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = PLACES
    parser.add_argument("shell", choices=SHELLS, help="the shell")


def run(args: argparse.Namespace) -> int:
    import shtab

    parser = all_commands()
    complete_values(parser)
    print(shtab.complete(parser, shell=args.shell))
    return 0


def complete_values(parser: argparse.ArgumentParser) -> None:
    """Let shells complete files and folders where a command takes them, and the shipped packs."""
    import shtab

    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                complete_values(command)
        elif "--pack" in action.option_strings:
            action.choices = bundled_names()
        elif action.metavar in PATHS or action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]


def all_commands() -> argparse.ArgumentParser:
    """Return the parser with the options of every command."""
    parser = argparse.ArgumentParser(prog="mockllm")
    parser.add_argument("--version", action="version", version="")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, about in COMMANDS.items():
        module = importlib.import_module(f"mockllm.cli.{MODULES.get(name, name)}")
        module.arguments(commands.add_parser(name, help=about, description=about))
    return parser
