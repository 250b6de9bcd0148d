"""The options of `serve` and of what loads scenarios, in one table: option, environment variable, default.

Order: option, then `MOCKLLM_X`, then a well-known name (`PORT`), then the default.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from mockllm.dialects.registry import APIS, DIALECT_NAMES, PROVIDERS
from mockllm.scenario.folder import scenario_files
from mockllm.scenario.gathering import Wanted
from mockllm.scenario.pack import Settings
from mockllm.scenario.vocabulary import Vocabulary
from mockllm.server.limits import Limits, environment_name

FOLDER: Final = "scenarios"
FALLBACK: Final = "default"


class BadOption(Exception):
    """A value that does not fit, in a line for a person."""


@dataclass(frozen=True, slots=True)
class Option:
    """`many`: may be given several times; in its variable the values are separated by `,` (folders by the
    system's path separator)."""

    name: str
    help: str
    default: Any = None
    convert: Callable[[str], Any] = str
    metavar: str | None = None
    flag: bool = False
    many: str | None = None
    short: str | None = None
    also: str | None = None
    """A well-known variable that is read too."""

    @property
    def key(self) -> str:
        return self.name.removeprefix("--").replace("-", "_")

    def from_environment(self, environment: Mapping[str, str]) -> Any:
        """What its variables say; None where they are not set or empty."""
        for variable in (environment_name(self.name), self.also):
            text = environment.get(variable or "")
            if not text:
                continue
            if self.flag:
                return _truth(variable or "", text)
            try:
                if self.many is not None:
                    return [self.convert(part) for part in text.split(self.many)]
                return self.convert(text)
            except (ValueError, argparse.ArgumentTypeError) as error:
                raise BadOption(f"{variable}: {_words(self, text, error)}") from None
        return None


def _truth(variable: str, text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise BadOption(f"{variable}: expected true or false, found {text!r}")


def _words(option: Option, text: str, error: Exception) -> str:
    if option.convert is int:
        return f"expected a whole number, found {text!r}"
    if option.convert is float:
        return f"expected a number of seconds, found {text!r}"
    return str(error)


def seconds(text: str) -> float:
    """A number of seconds, or a duration with its unit."""
    from mockllm.core.quantities import parse_duration

    try:
        return float(text)
    except ValueError:
        return parse_duration(text)


def address(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `[::1]:PORT` or `:PORT`."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        raise ValueError(f"expected HOST:PORT, found {text!r}")
    return host.strip("[]") or "localhost", int(port)


LOADING: Final = (
    Option(
        "--scenarios",
        "a folder (or file) of scenarios; the first given comes first",
        metavar="DIR",
        many=os.pathsep,
    ),
    Option("--pack", "shipped packs by name, separated by commas", metavar="NAME", many=","),
    Option("--set", "sets a pack's parameter", metavar="PARAM=VALUE", many=","),
)
SERVING: Final = (
    Option("--host", "where to listen; localhost is 127.0.0.1 and ::1", "localhost"),
    Option("--port", "the port; 0 takes a free one", 8080, int, also="PORT"),
    Option(
        "--listen",
        "another address, may be repeated",
        convert=address,
        metavar="HOST:PORT",
        many=",",
        short="-l",
    ),
    Option("--seed", "seeds all randomness and ids", 0, int),
    Option("--strict", "warnings are errors, and so is a request that no rule answers", False, flag=True),
    Option("--quiet", "no line for each request", False, flag=True),
    Option("--verbose", "also the modifiers and the hash of the request in each line", False, flag=True),
    Option("--no-cors", "no answers to pages of other origins", False, flag=True),
    Option("--no-reload", "do not watch the files", False, flag=True),
    Option(
        "--max-delay",
        "longest wait that a request may choose by a template",
        60.0,
        seconds,
        metavar="SECONDS",
    ),
)


def add(parser: argparse.ArgumentParser, options: Sequence[Option]) -> None:
    """Adds options whose absence can be told from their default."""
    for option in options:
        names = [option.short, option.name] if option.short else [option.name]
        tail = "" if option.default in (None, False) else f" (default {option.default})"
        help = f"{option.help}{tail} [{environment_name(option.name)}]".replace("%", "%%")
        if option.flag:
            parser.add_argument(*names, action="store_true", default=None, help=help)
        else:
            action = "append" if option.many is not None else "store"
            parser.add_argument(
                *names, action=action, type=_typed(option), default=None, metavar=option.metavar, help=help
            )


def _typed(option: Option) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            return option.convert(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(_words(option, text, error)) from None

    return convert


def add_limits(parser: argparse.ArgumentParser) -> None:
    """An option for each of the server's limits."""
    group = parser.add_argument_group("limits")
    for limit in fields(Limits):
        option, unit = limit.metadata["option"], limit.metadata["unit"]
        help = (
            f"{limit.metadata['help']} (default {limit.default} {'' if unit == 'count' else unit}".rstrip()
            + ")"
        )
        group.add_argument(
            option, type=_number(unit), default=None, metavar="N", dest=f"limit_{limit.name}", help=help
        )


def _number(unit: str) -> Callable[[str], Any]:
    return float if unit == "seconds" else int


def settled(
    given: argparse.Namespace, options: Sequence[Option], environment: Mapping[str, str]
) -> dict[str, Any]:
    """The value of each option."""
    values: dict[str, Any] = {}
    for option in options:
        value = getattr(given, option.key, None)
        if value is None:
            value = option.from_environment(environment)
        values[option.key] = option.default if value is None else value
    return values


def limits(given: argparse.Namespace, environment: Mapping[str, str]) -> Limits:
    """The limits, from options and variables."""
    values: dict[str, Any] = {}
    for limit in fields(Limits):
        value = getattr(given, f"limit_{limit.name}", None)
        variable = environment_name(limit.metadata["option"])
        if value is None and environment.get(variable):
            try:
                value = _number(limit.metadata["unit"])(environment[variable])
            except ValueError:
                raise BadOption(f"{variable}: expected a number, found {environment[variable]!r}") from None
        if value is not None:
            values[limit.name] = value
    try:
        return Limits(**values)
    except ValueError as error:
        raise BadOption(str(error)) from None


def wanted(values: Mapping[str, Any], environment: Mapping[str, str]) -> Wanted:
    """What to load: with neither folders nor packs `./scenarios` if there are files in it, else the pack
    `default`."""
    scenarios = list(values["scenarios"] or ())
    packs = [name for given in values["pack"] or () for name in given.split(",") if name]
    if not scenarios and not packs:
        if Path(FOLDER).is_dir() and scenario_files(Path(FOLDER)):
            scenarios = [FOLDER]
        else:
            packs = [FALLBACK]
    settings = Settings(tuple(values["set"] or ()), dict(environment))
    return Wanted(scenarios, packs, settings, Vocabulary(PROVIDERS, DIALECT_NAMES, APIS))
