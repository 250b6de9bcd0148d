"""The options of `serve` and of what loads scenarios, in one table: option, environment variable, default.

Order: option, then `MOCKLLM_X`, then a well-known name (`PORT`), then the default.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from mockllm.cli.fetch_locked import fetch_missing
from mockllm.cli.units import count, seconds, size
from mockllm.core.request.request import VOLATILE
from mockllm.dialects.registry import ALIASES, APIS, DIALECT_NAMES, GENERATING, GENERATING_PATHS, PROVIDERS
from mockllm.recordings.hosts import upstream
from mockllm.scenario.diagnostics import nearest
from mockllm.scenario.loader import ScenarioSources
from mockllm.scenario.lockfile import lock_path
from mockllm.scenario.manifest import ParamSettings
from mockllm.scenario.scenario_folder import scenario_files
from mockllm.scenario.vocabulary import Vocabulary
from mockllm.server.server_limits import KIB, MIB, PREFIX, ServerLimits, environment_name

FOLDER: Final = "scenarios"
FALLBACK: Final = "default"

_OF_SERVICE: Final = re.compile(r"\w+_(SERVICE_HOST|SERVICE_PORT\w*|PORT_\d+_\w+)=.*|\w+_PORT=\w+://.*")
"""What Kubernetes puts into each container: beside a Service called `mockllm` MOCKLLM_PORT is its address."""

_READ: Final[Mapping[str, Callable[[str], Any]]] = {"seconds": seconds, "bytes": size, "count": count}


class BadOption(Exception):
    """A value that does not fit, in a line for a person."""


class Option(Struct, frozen=True):
    """`many`: may be given several times; in its variable the values are separated by `,` (folders by the
    system's path separator)."""

    name: str
    group: str
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
            if not text or _OF_SERVICE.fullmatch(f"{variable}={text}"):
                continue
            if self.flag:
                return _truth(variable or "", text)
            try:
                if self.many is not None:
                    return [self.convert(part) for part in text.split(self.many)]
                return self.convert(text)
            except (ValueError, argparse.ArgumentTypeError) as error:
                raise BadOption(f"{variable}: {error}") from None
        return None


def _truth(variable: str, text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise BadOption(f"{variable}: expected true or false, found {text!r}")


def address(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `[::1]:PORT` or `:PORT`."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        raise ValueError(f"expected HOST:PORT, found {text!r}")
    return host.strip("[]") or "localhost", int(port)


FILES: Final = "what is served"
WHERE: Final = "where it listens"
ANSWERS: Final = "how it answers"
SHOWN: Final = "what is shown"

LOADING: Final = (
    Option(
        "--scenarios",
        FILES,
        "a folder (or file) of scenarios; may be repeated, the first given is asked first",
        metavar="DIR",
        many=os.pathsep,
    ),
    Option(
        "--pack",
        FILES,
        "packs by name, locked, shipped or installed, separated by commas; NAME@^1 asks for versions",
        metavar="NAME[,NAME]",
        many=",",
    ),
    Option("--set", FILES, "sets a pack's parameter; may be repeated", metavar="PARAM=VALUE", many=","),
    Option(
        "--frozen",
        FILES,
        "fetch nothing: a pack that mockllm.lock does not have, or not like this, is a mistake",
        False,
        flag=True,
    ),
)
RECORDING: Final = (
    Option(
        "--upstream",
        "what is recorded",
        "whose requests go where (`other`: those of no provider that is known here); may be repeated",
        convert=upstream,
        metavar="PROVIDER=URL",
        many=",",
    ),
)
SERVING: Final = (
    Option("--no-reload", FILES, "go on with the files as they are now, whatever changes", False, flag=True),
    Option("--host", WHERE, "localhost is 127.0.0.1 and ::1, 0.0.0.0 every address", "localhost"),
    Option("--port", WHERE, "0 takes a free one", 8080, count, also="PORT"),
    Option(
        "--listen",
        WHERE,
        "where to listen, in place of --host and --port, or beside them; may be repeated",
        convert=address,
        metavar="HOST:PORT",
        many=",",
        short="-l",
    ),
    Option(
        "--tls-self-signed",
        WHERE,
        "serve HTTPS with a certificate of its own, made once and kept",
        False,
        flag=True,
    ),
    Option("--tls-cert", WHERE, "serve HTTPS with this certificate (PEM, with its chain)", metavar="FILE"),
    Option("--tls-key", WHERE, "its key, where that is not in the same file", metavar="FILE"),
    Option("--tls-port", WHERE, "serve HTTPS there, and HTTP beside it", None, count, metavar="PORT"),
    Option("--tls-dir", WHERE, "where the certificates of --tls-self-signed are kept", metavar="DIR"),
    Option("--no-cors", WHERE, "do not let web pages of other origins call it", False, flag=True),
    Option(
        "--admin-token",
        WHERE,
        "opens the control API (/api, /metrics) to other machines that send this token; this machine needs none",
        metavar="TOKEN",
    ),
    Option(
        "--admin-token-file",
        WHERE,
        "the same, with the token in this file; it is made, and told, where there is none",
        metavar="FILE",
    ),
    Option(
        "--admin-port",
        WHERE,
        "serves the control API on a port of its own, and not beside the answers",
        convert=count,
        metavar="PORT",
    ),
    Option("--seed", ANSWERS, "another number gives other draws and other ids", 0, count),
    Option(
        "--strict",
        ANSWERS,
        "warnings are errors, and so is a request that no rule answers: in its line, and in the exit code",
        False,
        flag=True,
    ),
    Option(
        "--max-delay",
        ANSWERS,
        "longest wait that a request may ask for, by a template in a duration",
        60.0,
        seconds,
        metavar="SECONDS",
    ),
    Option(
        "--allow-overrides",
        ANSWERS,
        "let a request's own headers ask for a fault, a delay or a rule (x-mockllm-fault, -delay, -rule)",
        False,
        flag=True,
    ),
    Option(
        "--gzip",
        ANSWERS,
        "pack answers for clients that ask for it, streams event by event",
        False,
        flag=True,
    ),
    Option(
        "--record-misses",
        ANSWERS,
        "pass on what no rule answers, as --upstream has it, and record it in this folder",
        metavar="DIR",
    ),
    *RECORDING,
    Option(
        "--hash-ignore",
        ANSWERS,
        "fields at the top of a body that are no part of its hash",
        metavar="FIELD[,FIELD]",
        many=",",
    ),
    Option("--quiet", SHOWN, "no line for each request", False, flag=True),
    Option(
        "--verbose",
        SHOWN,
        "more of each request: its modifiers, what it asked without keys, its hashes",
        False,
        flag=True,
    ),
)


def add(parser: argparse.ArgumentParser, options: Sequence[Option]) -> None:
    """Adds options, by groups, whose absence can be told from their default."""
    groups: dict[str, argparse._ArgumentGroup] = {}
    for option in options:
        if option.group not in groups:
            groups[option.group] = parser.add_argument_group(option.group)
        names = [option.short, option.name] if option.short else [option.name]
        variables = environment_name(option.name) + (f", {option.also}" if option.also else "")
        help = _help(option.help, None if option.default is False else option.default, variables)
        if option.flag:
            groups[option.group].add_argument(*names, action="store_true", default=None, help=help)
        else:
            action = "append" if option.many is not None else "store"
            metavar = option.metavar or option.key.upper()
            groups[option.group].add_argument(
                *names, action=action, type=_told(option.convert), default=None, metavar=metavar, help=help
            )


def _help(text: str, default: object, variables: str) -> str:
    shown = f"{default:g} s" if isinstance(default, float) else default
    tail = "" if default is None else f" (default {shown})"
    return f"{text}{tail} [{variables}]".replace("%", "%%")


def _told(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """What argparse calls, which shows nothing of a plain ValueError."""

    def convert(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def add_limits(parser: argparse.ArgumentParser) -> None:
    """An option for each of the server's limits."""
    group = parser.add_argument_group("limits")
    for limit in fields(ServerLimits):
        option, unit = limit.metadata["option"], limit.metadata["unit"]
        group.add_argument(
            option,
            type=_told(_READ[unit]),
            default=None,
            metavar="N" if unit == "count" else unit.upper(),
            dest=f"limit_{limit.name}",
            help=_help(limit.metadata["help"], _shown(limit.default, unit), environment_name(option)),
        )


def _shown(default: Any, unit: str) -> Any:
    """Bytes as `32 MiB`, all else as it is."""
    if unit != "bytes":
        return default
    return f"{default // MIB} MiB" if default >= MIB else f"{default // KIB} KiB"


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


def limits(given: argparse.Namespace, environment: Mapping[str, str]) -> ServerLimits:
    """The limits, from options and variables."""
    values: dict[str, Any] = {}
    for limit in fields(ServerLimits):
        value = getattr(given, f"limit_{limit.name}", None)
        variable = environment_name(limit.metadata["option"])
        if value is None and environment.get(variable):
            try:
                value = _READ[limit.metadata["unit"]](environment[variable])
            except ValueError as error:
                raise BadOption(f"{variable}: {error}") from None
        if value is not None:
            values[limit.name] = value
    try:
        return ServerLimits(**values)
    except ValueError as error:
        raise BadOption(str(error)) from None


def strangers(environment: Mapping[str, str], packs: Collection[str]) -> Iterator[str]:
    """A line for each variable that is called like one of ours and is none. `packs`: the variables that set
    parameters of packs."""
    options = [
        *(option.name for option in (*LOADING, *SERVING)),
        *(limit.metadata["option"] for limit in fields(ServerLimits)),
    ]
    known = {*map(environment_name, options), *packs}
    for name in sorted(environment.keys() - known):
        if name.startswith(PREFIX) and not _OF_SERVICE.fullmatch(f"{name}={environment[name]}"):
            near = nearest(name.removeprefix(PREFIX), [each.removeprefix(PREFIX) for each in known])
            hint = f"; did you mean {PREFIX}{near}?" if near else "; `mockllm serve --help` names them all"
            yield f"{name} sets nothing{hint}"


def volatile(values: Mapping[str, Any]) -> frozenset[str]:
    """The fields that are no part of a request's hash."""
    given = values["hash_ignore"]
    if given is None:
        return VOLATILE
    return frozenset(name for each in given for name in each.split(",") if name)


def _packs(values: Mapping[str, Any]) -> list[str]:
    return [name for given in values["pack"] or () for name in given.split(",") if name]


def fallen_back(values: Mapping[str, Any]) -> bool:
    """Whether nothing was asked for and nothing is there, so that the pack `default` answers."""
    if values["scenarios"] or _packs(values) or values.get("record_misses"):
        return False
    try:
        return not (Path(FOLDER).is_dir() and scenario_files(Path(FOLDER)))
    except OSError:  # whoever loads it tells why
        return False


def default_noted(values: Mapping[str, Any]) -> None:
    """Says on standard error that the pack `default` is looked at: whoever meant another folder must see it."""
    if fallen_back(values):
        print(f"No scenario files in ./{FOLDER}, so this is the pack `{FALLBACK}`.", file=sys.stderr)


def wanted(values: Mapping[str, Any], environment: Mapping[str, str]) -> ScenarioSources:
    """What to load: with neither folders nor packs `./scenarios` if there are files in it, else the pack
    `default`; behind them what `--record-misses` records."""
    scenarios = list(values["scenarios"] or ())
    packs = _packs(values)
    if fallen_back(values):
        packs = [FALLBACK]
    elif not scenarios and not packs and Path(FOLDER).is_dir():
        scenarios = [FOLDER]
    recorded = values.get("record_misses")
    if recorded and not any(
        Path(recorded).resolve().is_relative_to(Path(each).resolve()) for each in scenarios
    ):
        scenarios.append(recorded)  # what was recorded answers from then on
    settings = ParamSettings(tuple(values["set"] or ()), dict(environment))
    asked = ScenarioSources(scenarios, packs, settings, vocabulary(), frozen=bool(values.get("frozen")))
    if not asked.frozen and os.path.isfile(lock_path(scenarios)):
        fetch_missing(lock_path(scenarios))
    return asked


def vocabulary() -> Vocabulary:
    """The names that the server speaks."""
    return Vocabulary(PROVIDERS, DIALECT_NAMES, APIS, GENERATING_PATHS, GENERATING, ALIASES)
