"""nginx in front of several servers, as a user runs replicas."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from tests.waiting import until

CONFIGURATION = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream replicas {{ {servers} keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    location = /nginx {{ return 200; }}
    location / {{
      proxy_pass http://replicas; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_read_timeout {wait:g}s;
      proxy_next_upstream error timeout non_idempotent; proxy_next_upstream_tries 10;
    }}
  }}
}}
"""
"""A request whose replica dies goes to another one (`non_idempotent`: these are POSTs)."""


@contextmanager
def nginx(folder: Path, ports: Sequence[int], wait: float) -> Iterator[int]:
    """Start nginx in front of these ports, whose responses may take `wait` seconds. Yield its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    servers = "".join(f"server 127.0.0.1:{each} max_fails=0; " for each in ports)
    (folder / "nginx.conf").write_text(
        CONFIGURATION.format(folder=folder, servers=servers, port=port, wait=wait)
    )
    line = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: _listens(port))
        yield port
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/nginx", timeout=5):
            return True
    except OSError:
        return False
