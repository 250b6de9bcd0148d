"""The watcher of a server that is measured: follows `/ws` as the dashboard does, and scrapes `/metrics` each
second as Prometheus does. `python -m benchmarks.watcher PORT`; at SIGTERM it prints its counts as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections import Counter

from aiohttp import ClientSession, WSMsgType


async def main(port: int) -> None:
    counts: Counter[str] = Counter()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with ClientSession(f"http://127.0.0.1:{port}") as session:
        watching = [
            asyncio.create_task(follow(session, counts)),
            asyncio.create_task(scrape(session, counts)),
        ]
        await ended.wait()
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    print(json.dumps(counts), flush=True)


async def follow(session: ClientSession, counts: Counter[str]) -> None:
    async with session.ws_connect("/ws", max_msg_size=0) as feed:
        print("follows", flush=True)
        async for message in feed:
            if message.type is WSMsgType.TEXT:
                frame = json.loads(message.data)
                counts[frame["type"]] += 1
                counts["requests"] += len(frame.get("events", ())) + frame.get("dropped", 0)
    counts["cut off"] += 1


async def scrape(session: ClientSession, counts: Counter[str]) -> None:
    while True:
        async with session.get("/metrics") as page:
            counts["pages"] += page.status == 200 and b"mockllm_requests_total" in await page.read()
        await asyncio.sleep(1)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1])))
