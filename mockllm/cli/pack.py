"""`mockllm pack COMMAND`: create, check and share packs. Only the modules of the command are imported."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeAlias

from mockllm.cli.startup import ended_by_ctrl_c

Command: TypeAlias = Callable[[str, str], argparse.ArgumentParser]
"""Create the parser of a command from its name and help."""
STEPS: Final = {
    "add": "reads, checks and locks the packs",
    "update": "reads, checks and locks the packs",
    "vendor": "copies the packs",
}
"""What a command does that takes long, for its progress."""
LOCK_HELP: Final = "use mockllm.lock beside this folder (default scenarios)"


def arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="doing", metavar="COMMAND", required=True)

    def command(name: str, help: str) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = commands.add_parser(
            name, help=help, description=f"{help[0].upper()}{help[1:]}."
        )
        return sub

    _add_author_commands(command)
    _add_consumer_commands(command)
    parser.set_defaults(known=commands.choices)


def _add_author_commands(command: Command) -> None:
    new = command("new", "create a pack: a manifest, a rule and its example")
    new.add_argument("name", metavar="NAME", help="name of the pack: x, or team/x")
    new.add_argument("folder", metavar="DIR", nargs="?", type=Path, help="target folder (default ./x)")
    check = command("check", "find mistakes in a pack, and list what it could do to you")
    check.add_argument(
        "pack", metavar="PACK", nargs="?", default=".", help="a folder, or any source of `pack add`"
    )
    check.add_argument("--json", action="store_true", help="print the result as JSON")
    test = command("test", "run a pack's examples, and list the rules and steps that none of them reached")
    test.add_argument(
        "pack", metavar="PACK", nargs="?", default=".", help="a folder, or any source of `pack add`"
    )
    test.add_argument(
        "--min-coverage",
        metavar="90%",
        type=_parse_share,
        default=0.0,
        help="fail if the examples reach less",
    )
    test.add_argument("--frozen", action="store_true", help="fetch nothing")
    build = command("build", "write a wheel and a zip of a pack; the same files produce the same bytes")
    build.add_argument(
        "folder", metavar="DIR", nargs="?", type=Path, default=Path(), help="(default: current folder)"
    )
    index = command("index", "write packs into an index that teams can search")
    index.add_argument(
        "file", metavar="FILE", type=Path, help="the index; it is created if it does not exist"
    )
    index.add_argument("sources", metavar="SOURCE", nargs="+", help="any source of `pack add`")
    build.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("dist"), help="target folder (default ./dist)"
    )


def _add_consumer_commands(command: Command) -> None:
    add = command("add", "fetch a pack and lock it; without a source, fetch all packs of the lock")
    add.add_argument(
        "sources", metavar="SOURCE", nargs="*",
        help="a folder, URL@TAG or URL@COMMIT of a git repository (#folder in it), a .zip, a .whl, or the name of "
        "an installed pack",
    )  # fmt: skip
    add.add_argument(
        "--dev", action="store_true", help="the source names a branch, which moves; --frozen refuses it"
    )
    add.add_argument(
        "--signed",
        action="store_true",
        help="refuse a pack whose tag or archive has no signature of a signer that git knows here",
    )
    remove = command("remove", "remove packs from the lock")
    remove.add_argument("names", metavar="NAME", nargs="+")
    update = command("update", "update packs to the newest versions that fit")
    update.add_argument("names", metavar="NAME", nargs="*", help="(default all)")
    update.add_argument(
        "--major", action="store_true", help="beyond the ranges in your scenarios, which are raised"
    )
    outdated = command(
        "outdated", "list the locked packs with a newer version or changed files; the exit code is 1 for any"
    )
    outdated.add_argument("--json", action="store_true", help="print the result as JSON")
    search = command("search", "search an index of packs")
    search.add_argument(
        "words", metavar="WORD", nargs="*", help="words of the name or the description (default all)"
    )
    search.add_argument("--json", action="store_true", help="print the result as JSON")
    for sub in (add, update, outdated, search):
        sub.add_argument(
            "--index",
            metavar="FILE|URL",
            default=os.environ.get("MOCKLLM_PACK_INDEX"),
            help="an index of packs: a file, or URL#FILE of a git repository [MOCKLLM_PACK_INDEX]",
        )
    for sub in (add, remove, update, outdated, search, *_show_commands(command)):
        sub.add_argument("--scenarios", metavar="DIR", action="append", help=LOCK_HELP)


def _show_commands(command: Command) -> Iterable[argparse.ArgumentParser]:
    """Return the parsers of the commands that show or copy what is locked."""
    listed = command("list", "list the packs that can be used by name")
    listed.add_argument("--json", action="store_true", help="print the result as JSON")
    info = command("info", "show a pack: description, parameters, what it could do to you")
    info.add_argument("pack", metavar="PACK", help="a name, or any source of `pack add`")
    info.add_argument("--json", action="store_true", help="print the result as JSON")
    vendor = command("vendor", "copy all locked packs into ./mockllm_packs, to be committed")
    return listed, info, vendor


def run(args: argparse.Namespace) -> int:
    """Return 0 for success, 1 if a pack was refused or a check failed."""
    by_author = args.doing in ("new", "check", "test", "build", "index")
    with ended_by_ctrl_c():
        from mockllm.cli.progress_bar import shown_fetches
        from mockllm.scenario.pack_files import PackRejected

        if by_author:
            from mockllm.cli import pack_author
        else:
            from mockllm.cli import pack_consumer
    try:
        if by_author:
            return pack_author.run(args)
        with shown_fetches(STEPS.get(args.doing, "")):
            return pack_consumer.run(args)
    except PackRejected as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 1


def _parse_share(text: str) -> float:
    from mockllm.core.quantities.parse import parse_probability

    try:
        return parse_probability(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
