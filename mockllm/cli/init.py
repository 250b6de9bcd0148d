"""`mockllm init`: a commented starter folder. What is there already is never written over."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from mockllm.cli.options import FOLDER, BadOption
from mockllm.cli.schema import SCHEMAS, made

STARTER: Final = Path(__file__).parent / "starter"
"""The files as they are written; scenarios among them, so that they are tested as such."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="where (default here)"
    )


def run(given: argparse.Namespace) -> int:
    """0 where all files were written, 1 where one was there already."""
    there = 0
    for name, text in contents().items():
        target = given.folder / name
        try:
            make_folder(target.parent)
            with target.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            there += 1
            print(f"{target}: is there already, and stays as it is", file=sys.stderr)
        except OSError as error:
            raise BadOption(f"{target}: {error.strerror}") from None
        else:
            print(target)
    print("\n" + following(given.folder))
    return 1 if there else 0


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it. Raises BadOption where something else has its name."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise BadOption(f"{folder}: is there already, and is no folder") from None


def contents() -> dict[str, str]:
    """What each file of a starter folder holds; the schema is what editors complete by."""
    sources = sorted(each for each in STARTER.rglob("*") if each.is_file())
    files = {source.relative_to(STARTER).as_posix(): source.read_text(encoding="utf-8") for source in sources}
    schema = "scenario.schema.json"
    return {**files, f"{SCHEMAS}/{schema}": made()[schema]}


def following(folder: Path) -> str:
    """What to do next."""
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
    edit = f"Edit {scenarios / 'hello.yaml'} while it serves: it is read again at once."
    return "\n".join(["Next:", *lines, edit])
