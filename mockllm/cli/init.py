"""`mockllm init`: write a commented starter folder. Existing files are never overwritten."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from mockllm.cli.option import BadOption
from mockllm.cli.schema import SCHEMAS, schema_files
from mockllm.cli.sources import FOLDER

STARTER: Final = Path(__file__).parent / "starter"
"""The starter files. They are real scenario files, so that the tests check them."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="target folder (default: current)"
    )


def run(args: argparse.Namespace) -> int:
    """Return 0 if all scenarios were written, 1 if one existed. An editor's schema may exist."""
    there: list[str] = []
    files = contents()
    for name, text in files.items():
        target = args.folder / name
        try:
            make_folder(target.parent)
            with target.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            there.append(name)
            print(f"{target}: exists, not overwritten", file=sys.stderr)
        except OSError as error:
            raise BadOption(f"{target}: {error.strerror}") from None
        else:
            print(target)
    print("\n" + next_steps(args.folder) if len(there) < len(files) else "Nothing was written.")
    return 1 if any(not name.startswith(f"{SCHEMAS}/") for name in there) else 0


def make_folder(folder: Path) -> None:
    """Create a folder and its parents. Raise BadOption if a file has its name."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise BadOption(f"{folder}: exists and is not a folder") from None


def contents() -> dict[str, str]:
    """Return the starter files by path, with the JSON Schema for editors."""
    sources = sorted(each for each in STARTER.rglob("*") if each.is_file())
    files = {source.relative_to(STARTER).as_posix(): source.read_text(encoding="utf-8") for source in sources}
    schema = "scenario.schema.json"
    return {**files, f"{SCHEMAS}/{schema}": schema_files()[schema]}


def next_steps(folder: Path) -> str:
    """Return the text about the next commands."""
    here = folder == Path()
    scenarios = folder / FOLDER
    commands = {
        "mockllm serve"
        + ("" if here else f" --scenarios {scenarios}"): "then point an SDK at the address it prints",
        "mockllm check" + ("" if here else f" {scenarios}"): "finds mistakes",
        "mockllm test" + ("" if here else f" {scenarios}"): "runs the examples in the files",
    }
    width = max(map(len, commands))
    lines = [f"  {command:<{width}}  {what}" for command, what in commands.items()]
    edit = (
        f"Edit {scenarios / 'hello.yaml'} while the server runs: the server reloads it within a second or so."
    )
    return "\n".join(["Next:", *lines, edit])
