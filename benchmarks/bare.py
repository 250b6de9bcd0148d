"""The baseline: a bare aiohttp application that responds with the same bytes each time, on the same loop as
ours, its access log off: `python -m benchmarks.bare KIND < BYTES`, KIND one of `whole`, `response`, `stream`,
`parsed`.

Prints its port. It reads nothing of the request and makes nothing: all cost above it is ours. Only `parsed`
reads the request's body and parses it with orjson.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys

import orjson
from aiohttp import web

from mockllm.server.http_server import run_on_best_loop


async def main(kind: str, body: bytes) -> None:
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
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    gc.freeze()  # as ours does
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run_on_best_loop(main(sys.argv[1], sys.stdin.buffer.read()))
