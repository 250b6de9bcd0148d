"""The options of `serve` and of commands that load scenarios, in one table: option, variable, default.

Precedence: option, then `MOCKLLM_X`, then a well-known name (`PORT`), then the default.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Final, cast

from msgspec import ValidationError, convert

from mockllm.cli.option import (
    KUBERNETES_VARIABLE,
    BadOption,
    Option,
    argparse_type,
    help_text,
    key_of,
)
from mockllm.cli.option_values import OptionValues
from mockllm.cli.units import (
    address,
    byte_text,
    count,
    error_status,
    host_name,
    port,
    positive_seconds,
    private_text,
    seconds,
    size,
    store_failure,
    time_scale,
    upstream,
    workers,
)
from mockllm.core.request.body_fields import VOLATILE
from mockllm.scenario.diagnostics import nearest
from mockllm.server.server_limits import VARIABLE_PREFIX, ServerLimits, environment_name
from mockllm.testing.environment import RUN_DIR, variables

_READ: Final[Mapping[str, Callable[[str], float]]] = {"seconds": seconds, "bytes": size, "count": count}


FILES: Final = "scenarios"
NETWORK: Final = "network"
RESPONSES: Final = "responses"
OUTPUT: Final = "output"

LOAD_OPTIONS: Final = (
    Option(
        "--scenarios",
        FILES,
        "a folder (or file) of scenarios; repeatable, the first one has priority",
        metavar="DIR",
        many=os.pathsep,
    ),
    Option(
        "--pack",
        FILES,
        "locked, shipped or installed packs by name, separated by commas; NAME@^1 restricts the version",
        metavar="NAME[,NAME]",
        many=",",
    ),
    Option("--set", FILES, "set a pack's parameter; repeatable", metavar="PARAM=VALUE", many=","),
    Option(
        "--frozen",
        FILES,
        "fetch nothing: a pack that is missing in mockllm.lock, or differs from it, is a mistake",
        False,
        flag=True,
    ),
)
REDACT: Final = Option(
    "--redact",
    "recording",
    "text that no recording may have, such as a name or a path; repeatable",
    convert=private_text,
    metavar="TEXT",
    many=",",
)
RECORDING: Final = (
    Option(
        "--upstream",
        "recording",
        "upstream base URL for a provider; `other` is for unknown providers; repeatable",
        convert=upstream,
        metavar="PROVIDER=URL",
        many=",",
    ),
)
SERVING: Final = (
    Option(
        "--no-default",
        FILES,
        "without --scenarios and --pack, serve nothing but the rules that the control API adds",
        False,
        flag=True,
    ),
    Option("--no-reload", FILES, "do not reload changed files", False, flag=True),
    Option("--edit", FILES, "let the dashboard and the control API write scenario files", False, flag=True),
    Option(
        "--host", NETWORK, "host to listen on; localhost is 127.0.0.1 and ::1, 0.0.0.0 is any", "localhost"
    ),
    Option("--port", NETWORK, "port to listen on; 0 selects a free port", 8080, port, also="PORT"),
    Option(
        "--listen",
        NETWORK,
        "address to listen on, in place of --host and --port, or beside them; repeatable",
        convert=address,
        metavar="HOST:PORT",
        many=",",
        short="-l",
    ),
    Option(
        "--tls-self-signed",
        NETWORK,
        "serve HTTPS with a self-signed certificate, generated once and stored",
        False,
        flag=True,
    ),
    Option("--tls-cert", NETWORK, "serve HTTPS with this certificate (PEM, with its chain)", metavar="FILE"),
    Option("--tls-key", NETWORK, "private key of the certificate, if it is in another file", metavar="FILE"),
    Option(
        "--tls-client-ca",
        NETWORK,
        "accept HTTPS only from clients with a certificate of this CA (PEM): mutual TLS",
        metavar="FILE",
    ),
    Option("--tls-port", NETWORK, "serve HTTPS on this port, and HTTP on --port", None, port, metavar="PORT"),
    Option("--tls-dir", NETWORK, "folder for the certificates of --tls-self-signed", metavar="DIR"),
    Option(
        "--workers",
        NETWORK,
        "serve with so many processes on the same addresses; `auto` is one for each processor",
        convert=workers,
        metavar="N",
    ),
    Option(
        "--store",
        NETWORK,
        "share counts, rate limits, states and sessions over this Valkey or Redis server: redis://HOST:PORT/DB, unix:///PATH",
        metavar="URL",
    ),
    Option(
        "--store-failure",
        NETWORK,
        "the response to a request with counts while the store is unreachable: an `error`, or by a decision of its "
        "process (`local`)",
        "error",
        convert=store_failure,
        metavar="error|local",
    ),
    Option(
        "--store-wait",
        NETWORK,
        "how long a request waits for the store",
        1.0,
        positive_seconds,
        metavar="SECONDS",
    ),
    Option("--no-cors", NETWORK, "do not allow requests of web pages of other origins", False, flag=True),
    Option(
        "--admin-token",
        NETWORK,
        "open the control API (/api, /metrics) to other machines that send this token; this machine needs none",
        metavar="TOKEN",
    ),
    Option(
        "--admin-token-file",
        NETWORK,
        "read the admin token from this file; a missing file is created with a new token, which is printed",
        metavar="FILE",
    ),
    Option(
        "--admin-port", NETWORK, "serve the control API on this separate port", convert=port, metavar="PORT"
    ),
    Option("--seed", RESPONSES, "seed of random draws and ids", 0, count),
    Option(
        "--strict",
        RESPONSES,
        "treat warnings as errors, and unmatched requests too: in the access log and the exit code",
        False,
        flag=True,
    ),
    Option(
        "--max-delay",
        RESPONSES,
        "upper bound for a wait that a template computes from the request",
        60.0,
        seconds,
        metavar="SECONDS",
    ),
    Option(
        "--time-scale",
        RESPONSES,
        "factor on all times of scenarios: with 0.01 a wait of a second takes 10 ms",
        1,
        time_scale,
        metavar="FACTOR",
    ),
    Option(
        "--allow-overrides",
        RESPONSES,
        "let request headers set a fault, a delay or a rule (x-mockllm-fault, -delay, -rule)",
        False,
        flag=True,
    ),
    Option(
        "--proxy-allow",
        RESPONSES,
        "a host to which a `proxy` of a pack or of the control API may forward requests, or a webhook be sent; "
        "repeatable",
        convert=host_name,
        metavar="HOST",
        many=",",
    ),
    Option(
        "--gzip",
        RESPONSES,
        "compress responses for clients that accept gzip, streams event by event",
        False,
        flag=True,
    ),
    Option(
        "--miss-status",
        RESPONSES,
        "status of unmatched requests, from 400 to 599, for clients that retry or misread a 404",
        404,
        error_status,
        "STATUS",
    ),
    Option(
        "--record-misses",
        RESPONSES,
        "forward unmatched requests to --upstream, and record the responses in this folder",
        metavar="DIR",
    ),
    *RECORDING,
    REDACT,
    Option(
        "--hash-ignore",
        RESPONSES,
        "top-level body fields to exclude from the hash",
        metavar="FIELD[,FIELD]",
        many=",",
    ),
    Option(
        "--prices",
        OUTPUT,
        "prices of models in US dollars for a million tokens, in place of list prices (YAML)",
        metavar="FILE",
    ),
    Option("--quiet", OUTPUT, "do not print an access log", False, flag=True),
    Option(
        "--until-stdin-closes",
        OUTPUT,
        "stop when standard input is closed, and so with the process that started the server",
        False,
        flag=True,
    ),
    Option(
        "--verbose",
        OUTPUT,
        "print more about each request: modifiers, body without keys, hashes",
        False,
        flag=True,
    ),
)


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add an option for each server limit."""
    group = parser.add_argument_group("server limits")
    for limit in fields(ServerLimits):
        option, unit = limit.metadata["option"], limit.metadata["unit"]
        default: object = limit.default
        if unit == "bytes" and isinstance(default, int):
            default = byte_text(default)
        group.add_argument(
            option,
            type=argparse_type(_READ[unit]),
            default=None,
            metavar="N" if unit == "count" else unit.upper(),
            dest=f"limit_{limit.name}",
            help=help_text(limit.metadata["help"], default, environment_name(option)),
        )


def option_values(
    args: argparse.Namespace, options: Sequence[Option], environment: Mapping[str, str]
) -> OptionValues:
    """Return the value of each option by its key."""
    values: dict[str, object] = {}
    for option in options:
        value = getattr(args, option.key, None)
        if value is None:
            value = option.from_environment(environment)
        values[option.key] = option.default if value is None else value
    return cast(OptionValues, values)  # a test compares the options with these types


def limits(args: argparse.Namespace, environment: Mapping[str, str]) -> ServerLimits:
    """Return the server limits from options and variables."""
    values: dict[str, float] = {}
    for limit in fields(ServerLimits):
        value = getattr(args, f"limit_{limit.name}", None)
        variable = environment_name(limit.metadata["option"])
        if value is None and environment.get(variable):
            try:
                value = _READ[limit.metadata["unit"]](environment[variable])
            except ValueError as error:
                raise BadOption(f"{variable}: {error}") from None
        if value is not None:
            values[limit.name] = value
    try:
        return convert(values, ServerLimits)
    except ValidationError as error:
        raise BadOption(str(error)) from None


def unknown_variables(environment: Mapping[str, str], packs: Collection[str]) -> Iterator[str]:
    """Yield a warning for each unknown MOCKLLM_ variable. `packs` contains the variables of pack parameters.

    The variables for clients are known: `mockllm env` and `mockllm exec` set them in shells where servers start, too.
    """
    options = [
        *(option.name for option in (*LOAD_OPTIONS, *SERVING)),
        *(limit.metadata["option"] for limit in fields(ServerLimits)),
    ]
    known = {*map(environment_name, options), *packs}
    for name in sorted(environment.keys() - known - {RUN_DIR, *variables("")}):
        if name.startswith(VARIABLE_PREFIX) and not KUBERNETES_VARIABLE.fullmatch(
            f"{name}={environment[name]}"
        ):
            near = nearest(
                name.removeprefix(VARIABLE_PREFIX),
                [each.removeprefix(VARIABLE_PREFIX) for each in known],
            )
            hint = (
                f"; did you mean {VARIABLE_PREFIX}{near}?"
                if near
                else "; `mockllm serve --help` lists all variables"
            )
            yield f"{name} has no effect{hint}"


ONLY_WITH: Final[Mapping[str, Sequence[str]]] = {
    "--tls-dir": ("--tls-self-signed",),
    "--store-wait": ("--store", "--workers"),
    "--store-failure": ("--store", "--workers"),
    "--redact": ("--record-misses",),
}
"""Options of `serve` that have an effect only with one of these."""


def without_effect(args: argparse.Namespace, values: OptionValues) -> Iterator[str]:
    """Yield a warning for each option of the command line that has no effect. A variable may be set for other starts,
    so it gets none."""
    for name, others in ONLY_WITH.items():
        if getattr(args, key_of(name)) is not None and not any(values.get(key_of(each)) for each in others):
            yield f"{name} has no effect without {' or '.join(others)}"


def volatile(values: OptionValues) -> frozenset[str]:
    """Return the body fields that are excluded from a request's hash."""
    lists = values["hash_ignore"]
    if lists is None:
        return VOLATILE
    return frozenset(name for names in lists for part in names.split(",") if (name := part.strip()))
