"""One option of the command line, which an environment variable can set, too."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from msgspec import Struct

from mockllm.server.server_limits import environment_name

KUBERNETES_VARIABLE: Final = re.compile(
    r"\w+_(SERVICE_HOST|SERVICE_PORT\w*|PORT_\d+_\w+)=.*|\w+_PORT=\w+://.*"
)
"""Variables that Kubernetes sets in each container. For a Service called `mockllm`, MOCKLLM_PORT is its address."""


T = TypeVar("T")


class BadOption(Exception):
    """An invalid option value; the message is one line."""


class Option(Struct, frozen=True):
    """One option. `many` is set for a repeatable option: the separator of the values in its variable, `,` or the
    system's path separator for folders."""

    name: str
    group: str
    help: str
    default: object = None
    convert: Callable[[str], object] = str
    metavar: str | None = None
    flag: bool = False
    many: str | None = None
    short: str | None = None
    also: str | None = None
    """A well-known second variable for the value."""

    @property
    def key(self) -> str:
        return key_of(self.name)

    def from_environment(self, environment: Mapping[str, str]) -> object:
        """Return the value of its variables; None if they are unset or empty."""
        for variable in (environment_name(self.name), self.also):
            text = environment.get(variable or "")
            if not text or KUBERNETES_VARIABLE.fullmatch(f"{variable}={text}"):
                continue
            try:
                if self.flag:
                    return _parse_bool(text)
                if self.many is not None:
                    return [self.convert(part) for part in text.split(self.many)]
                return self.convert(text)
            except (ValueError, argparse.ArgumentTypeError) as error:
                raise BadOption(f"{variable}: {error}") from None
        return None


def key_of(name: str) -> str:
    """Return the key of an option's value: `max_body` for `--max-body`."""
    return name.removeprefix("--").replace("-", "_")


def _parse_bool(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError(f"expected true or false, found {text!r}")


def add(parser: argparse.ArgumentParser, options: Sequence[Option]) -> None:
    """Add options to the parser, by groups. An absent option is None, which differs from its default."""
    groups: dict[str, argparse._ArgumentGroup] = {}
    for option in options:
        if option.group not in groups:
            groups[option.group] = parser.add_argument_group(option.group)
        names = [option.short, option.name] if option.short else [option.name]
        variables = environment_name(option.name) + (f", {option.also}" if option.also else "")
        help = help_text(option.help, None if option.default is False else option.default, variables)
        if option.flag:
            groups[option.group].add_argument(*names, action="store_true", default=None, help=help)
        else:
            action = "append" if option.many is not None else "store"
            metavar = option.metavar or option.key.upper()
            groups[option.group].add_argument(
                *names,
                action=action,
                type=argparse_type(option.convert),
                default=None,
                metavar=metavar,
                help=help,
            )


def help_text(text: str, default: object, variables: str) -> str:
    shown = f"{default:g} s" if isinstance(default, float) else default
    tail = "" if default is None else f" (default {shown})"
    return f"{text}{tail} [{variables}]".replace("%", "%%")


def argparse_type(read: Callable[[str], T]) -> Callable[[str], T]:
    """Wrap a converter for argparse, which hides the message of a plain ValueError."""

    def convert(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert
