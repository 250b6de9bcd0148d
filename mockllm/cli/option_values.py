"""The type of each option's value."""

from __future__ import annotations

from typing import Literal, TypedDict


class OptionValues(TypedDict, total=False):
    """The values of options by their keys, from the command line, variables and defaults. A command has those of its
    own options only. The value of a repeatable option is a list. An absent option without a default has None."""

    scenarios: list[str] | None
    pack: list[str] | None
    set: list[str] | None
    frozen: bool

    no_default: bool
    no_reload: bool
    edit: bool
    host: str
    port: int
    listen: list[tuple[str, int]] | None
    tls_self_signed: bool
    tls_cert: str | None
    tls_key: str | None
    tls_client_ca: str | None
    tls_port: int | None
    tls_dir: str | None
    workers: int | None
    store: str | None
    store_failure: Literal["error", "local"]
    store_wait: float
    no_cors: bool
    admin_token: str | None
    admin_token_file: str | None
    admin_port: int | None
    seed: int
    strict: bool
    max_delay: float
    time_scale: float
    allow_overrides: bool
    proxy_allow: list[str] | None
    gzip: bool
    miss_status: int
    record_misses: str | None
    upstream: list[tuple[str, str]] | None
    redact: list[str] | None
    hash_ignore: list[str] | None
    prices: str | None
    quiet: bool
    until_stdin_closes: bool
    verbose: bool

    out: str
