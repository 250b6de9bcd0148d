"""The baseline: a bare aiohttp application that responds with the same bytes each time, on the same loop as
ours, its access log off: `python -m benchmarks.bare KIND [PROCESSES] < BYTES`, KIND one of `whole`, `response`,
`stream`, `parsed`. Several processes share the port.

Prints its port. It reads nothing of the request and makes nothing: all cost above it is ours. Only `parsed`
reads the request's body and parses it with orjson.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import sys

import orjson
from aiohttp import web

from mockllm.server.http_server import run_on_best_loop


async def main(kind: str, body: bytes, listening: socket.socket, parent: int | None) -> None:
    """Serve. `parent`: the end of a pipe whose other end closes when the first process ends; None in that process."""
    if parent is not None:
        asyncio.get_running_loop().add_reader(parent, os._exit, 0)

    async def whole(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    async def response(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="text/event-stream")

    async def stream(request: web.Request) -> web.StreamResponse:
        streamed = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        with contextlib.suppress(ConnectionResetError):  # the load has ended
            await streamed.prepare(request)
            await streamed.write(body)
            await streamed.write_eof()
        return streamed

    async def parsed(request: web.Request) -> web.StreamResponse:
        orjson.loads(await request.read())
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    handlers = {"whole": whole, "response": response, "stream": stream, "parsed": parsed}
    app.router.add_post("/{path:.*}", handlers[kind])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    gc.freeze()  # as ours does
    if parent is None:
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


def listening_at(port: int) -> socket.socket:
    """Return a socket that listens at a port, together with those of other processes."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(1024)
    return listening


def serve(kind: str, body: bytes, processes: int) -> None:
    """Serve with several processes on one port; the others end with the first."""
    first = listening_at(0)
    parent, held = os.pipe()
    for _ in range(processes - 1):
        own = listening_at(first.getsockname()[1])
        if os.fork() == 0:
            first.close()
            os.close(held)
            run_on_best_loop(main(kind, body, own, parent))
        own.close()
    run_on_best_loop(main(kind, body, first, None))


if __name__ == "__main__":
    serve(sys.argv[1], sys.stdin.buffer.read(), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
