"""The image's health check: whether the server in this container responds to `/health`, as HTTP or as HTTPS.

It reads the server's own arguments (`--port`, `--host`, `--listen`), from the command line of the container's first
process, then the variables of the same names. It trusts any certificate, for this is no other machine. Of a proxy
that the environment names it sends no request. `python health.py FILE` reads another process's command line.
"""

import argparse
import os
import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

SECONDS = 2.0
LOCAL = "127.0.0.1"


def arguments(command_line: Path) -> argparse.Namespace:
    """Return the options of a process that decide where it listens."""
    try:
        words = command_line.read_text("utf-8", "surrogateescape").split("\0")
    except OSError:
        words = []
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--host")
    parser.add_argument("--port")
    parser.add_argument("-l", "--listen", action="append")
    try:
        return parser.parse_known_args(words)[0]
    except argparse.ArgumentError:  # of a process that is no server
        return parser.parse_args([])


def address(args: argparse.Namespace) -> tuple[str, int]:
    """Return the host and the port. As for the server, `--listen` replaces the others if they are no arguments."""
    host = args.host or os.environ.get("MOCKLLM_HOST") or ""
    ports = (args.port, os.environ.get("MOCKLLM_PORT"), os.environ.get("PORT"), "8080")
    # Kubernetes may set MOCKLLM_PORT to an address
    port = next(each for each in ports if each and each.isdigit())
    (listen, *_) = args.listen or os.environ.get("MOCKLLM_LISTEN", "").split(",")
    if listen and not (args.host or args.port):
        host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if host == "::":
        return "::1", int(port)
    return (LOCAL if host in ("", "0.0.0.0", "localhost") else host), int(port)  # noqa: S104


def main() -> None:
    """Exit with 0 if a server responds, else with what was found."""
    host, port = address(arguments(Path(*(sys.argv[1:] or ("/proc/1/cmdline",)))))
    anybody = ssl.create_default_context()
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    found = []
    for connection in (
        HTTPConnection(host, port, timeout=SECONDS),
        HTTPSConnection(host, port, timeout=SECONDS, context=anybody),
    ):
        try:
            connection.request("GET", "/health")
            status = connection.getresponse().status
            if status == 200:
                sys.exit()
            found.append(f"status {status}")
        except (OSError, HTTPException) as error:
            found.append(str(error))
        finally:
            connection.close()
    sys.exit(f"no server responds at port {port}: {'; '.join(found)}")


if __name__ == "__main__":
    main()
