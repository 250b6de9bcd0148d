"""A start runs without garbage collection and loads no CA certificates."""

from __future__ import annotations

import gc
import ssl
import subprocess
import sys

import pytest

from mockllm.cli.startup import (
    aiohttp_client_deferred,
    ca_loading_skipped,
    gc_paused_then_frozen,
    skip_pydantic_plugins,
)


def test_gc_paused_freezes_objects_and_enables_collector() -> None:
    before = gc.get_freeze_count()
    with gc_paused_then_frozen():
        assert not gc.isenabled()
        created = [[] for _ in range(1000)]  # type: ignore[var-annotated]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(created)


def test_gc_paused_enables_collector_after_failed_start() -> None:
    with pytest.raises(ZeroDivisionError), gc_paused_then_frozen():
        _ = 1 / 0
    assert gc.isenabled()


def test_context_without_ca_loading_trusts_no_ca() -> None:
    with ca_loading_skipped():
        context = ssl.create_default_context()
        context.set_default_verify_paths()
    assert context.cert_store_stats() == {"x509": 0, "crl": 0, "x509_ca": 0}
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_ca_loading_is_restored_after_failed_start() -> None:
    create, load = ssl.create_default_context, ssl.SSLContext.set_default_verify_paths
    with pytest.raises(ZeroDivisionError), ca_loading_skipped():
        raise ZeroDivisionError
    assert ssl.create_default_context is create
    assert ssl.SSLContext.set_default_verify_paths is load


def test_deferred_aiohttp_is_complete_at_first_use() -> None:
    """In another process, because this one has imported aiohttp already."""
    code = (
        "import sys\n"
        "from mockllm.cli.startup import aiohttp_client_deferred\n"
        "with aiohttp_client_deferred():\n"
        "    from aiohttp.http_parser import HttpRequestParser\n"
        "    print('aiohttp.client' in sys.modules)\n"
        "USE\n"
        "import aiohttp\n"
        "from aiohttp import ClientSession, http_parser, web\n"
        "print(aiohttp.__version__[0], aiohttp.client.ClientSession is ClientSession)\n"
        "print(web.WebSocketResponse.__name__)\n"
        "print(http_parser.HttpRequestParser is HttpRequestParser)"
    )
    for use in (
        "with aiohttp_client_deferred(): import aiohttp.client_exceptions",
        "import aiohttp; aiohttp.ClientSession",
        "import aiohttp.web",
        "from aiohttp import ClientError",
    ):
        program = code.replace("USE", use)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["False", "3", "True", "WebSocketResponse", "True"]


def test_aiohttp_that_was_imported_before_is_not_deferred() -> None:
    import aiohttp  # noqa: F401

    before = sys.modules.copy()
    with aiohttp_client_deferred():
        assert sys.modules == before


def test_start_loads_no_ca_certificates() -> None:
    """In another process, because this one has imported aiohttp already."""
    code = (
        "import ssl; loaded = []\n"
        "ssl.SSLContext.load_default_certs = lambda *args: loaded.append(args)\n"
        "ssl.SSLContext.set_default_verify_paths = lambda *args: loaded.append(args)\n"
        "from mockllm.cli import main\n"
        "try: main.main(['serve', '--help'])\n"
        "except SystemExit: pass\n"
        "import aiohttp, sys; print(len(loaded), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "0"


def test_start_looks_for_no_plugins_of_pydantic() -> None:
    """In another process, because this one has imported pydantic already."""
    code = (
        "from mockllm.cli import main\n"
        "try: main.main(['serve', '--help'])\n"
        "except SystemExit: pass\n"
        "import os, sys\n"
        "from importlib import metadata\n"
        "metadata.distributions = lambda: print('looked', file=sys.stderr) or ()\n"
        "from mockllm.scenario.language.rule import RuleSpec\n"
        "print(RuleSpec.model_rebuild(), os.environ.get('PYDANTIC_DISABLE_PLUGINS'), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "True None"


def test_plugins_are_found_where_pydantic_is_imported_already() -> None:
    import pydantic  # noqa: F401

    before = sys.modules.copy()
    skip_pydantic_plugins()
    assert sys.modules == before


NOT_AT_START = (
    "aiohttp.client",
    "aiohttp.web",
    "mockllm.dialects.openai",
    "mockllm.core.schema_values.generator",
    "mockllm.core.verdicts",
    "mockllm.scenario.catalog_lint",
)


def test_start_imports_nothing_that_it_does_not_need() -> None:
    """In another process, because this one has imported all of it already."""
    code = (
        "from mockllm.cli import main\n"
        "try: main.main(['serve', '--help'])\n"
        "except SystemExit: pass\n"
        f"import sys; print(*[name for name in {NOT_AT_START} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""
