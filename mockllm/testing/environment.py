"""Environment variables by which SDKs and frameworks find a server, with dummy keys."""

from __future__ import annotations

from typing import Final

from mockllm.core.request.server_address import SESSION_PREFIX
from mockllm.dialects.listing import LISTED_PROVIDERS

KEY: Final = "mockllm"
"""A dummy key; a real one must not be sent."""
RUN_DIR: Final = "MOCKLLM_RUN_DIR"
"""The variable with the folder of a run, which is empty when the run begins."""
HERE: Final = "127.0.0.1,localhost"


def variables(base: str) -> dict[str, str]:
    """Return the variables for a server at this URL: base URLs for the official SDKs, keys, and no proxy."""
    addresses = {
        name: f"{base}/{provider.name}{provider.base}" if provider.needs_prefix else base + provider.base
        for provider in LISTED_PROVIDERS
        for name in provider.base_url_variables
    }
    return {
        "MOCKLLM_BASE_URL": base,
        "MOCKLLM_URL": base.partition(SESSION_PREFIX)[0],  # without the session, for `mockllm verify`
        **addresses,
        **{
            name: base + path
            for provider in LISTED_PROVIDERS
            for name, path in provider.base_path_variables.items()
        },
        **{name: KEY for provider in LISTED_PROVIDERS for name in provider.key_variables},
        "NO_PROXY": HERE,
        "no_proxy": HERE,
    }
