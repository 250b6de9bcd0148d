"""What is imported for a start reads no certificates, and nothing is trusted by that."""

from __future__ import annotations

import ssl
import subprocess
import sys

import pytest

from mockllm.cli.skip_ca_loading import ca_loading_skipped


def test_a_context_that_is_made_meanwhile_trusts_nobody() -> None:
    with ca_loading_skipped():
        context = ssl.create_default_context()
        context.set_default_verify_paths()
    assert context.cert_store_stats() == {"x509": 0, "crl": 0, "x509_ca": 0}
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_behind_it_contexts_are_as_they_were() -> None:
    made, reading = ssl.create_default_context, ssl.SSLContext.set_default_verify_paths
    with pytest.raises(ZeroDivisionError), ca_loading_skipped():
        raise ZeroDivisionError
    assert ssl.create_default_context is made
    assert ssl.SSLContext.set_default_verify_paths is reading


def test_a_start_reads_none() -> None:
    """Another process, for here it is imported already."""
    asked = (
        "import ssl; read = []\n"
        "ssl.SSLContext.load_default_certs = lambda *given: read.append(given)\n"
        "ssl.SSLContext.set_default_verify_paths = lambda *given: read.append(given)\n"
        "from mockllm.cli import main\n"
        "try: main.main(['serve', '--help'])\n"
        "except SystemExit: pass\n"
        "import aiohttp, sys; print(len(read), file=sys.stderr)"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stderr.strip() == "0"
