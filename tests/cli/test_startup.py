"""A start runs without garbage collection and loads no CA certificates."""

from __future__ import annotations

import gc
import os
import ssl
import subprocess
import sys
from contextlib import suppress

import pytest

from mockllm.cli.startup import ca_loading_skipped, gc_paused, pydantic_plugins_skipped


def test_gc_paused_freezes_objects_and_enables_collector() -> None:
    before = gc.get_freeze_count()
    with gc_paused():
        assert not gc.isenabled()
        created = [[] for _ in range(1000)]  # type: ignore[var-annotated]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(created)


def test_gc_paused_enables_collector_after_failed_start() -> None:
    with pytest.raises(ZeroDivisionError), gc_paused():
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


@pytest.mark.parametrize("before", [None, "logfire-plugin"])
def test_plugin_setting_is_restored_after_failed_start(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYDANTIC_DISABLE_PLUGINS", raising=False)
    if before is not None:
        monkeypatch.setenv("PYDANTIC_DISABLE_PLUGINS", before)
    with suppress(ZeroDivisionError), pydantic_plugins_skipped():
        assert os.environ["PYDANTIC_DISABLE_PLUGINS"] == "__all__"
        raise ZeroDivisionError
    assert os.environ.get("PYDANTIC_DISABLE_PLUGINS") == before


NOT_AT_START = ("aiohttp.web", "mockllm.core.schema_values.generator", "mockllm.core.verdicts")


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
