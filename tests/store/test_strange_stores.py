"""Stores that reply what no store replies, and what users read of them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from math import inf

import pytest

from mockllm.state.fetched_objects import FetchKey
from mockllm.store import group_store
from mockllm.store.connection import BadAddress, StoreAway, StoreRefused, store_address
from mockllm.store.group_store import GroupStore
from mockllm.store.refusals import error_text, refusal_text
from mockllm.store.remote_objects import RemoteObjects
from mockllm.store.store_link import MAX_REPORTED, StoreLink
from tests.store.strange_store import ReplyTo, strange_store
from tests.waiting import PATIENCE

HTTP = b"HTTP/1.1 400 Bad Request\r\n\r\n"
FULL = b"-ERR max number of clients reached\r\n"


def to_commands(reply: bytes) -> ReplyTo:
    return lambda data: reply if data else b""


def at_once(reply: bytes) -> ReplyTo:
    return lambda data: b"" if data else reply


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (to_commands(HTTP), "its reply is not of the protocol of Redis"),
        (to_commands(b"*1\r\n" * 100_000), "its reply is not of the protocol of Redis"),
        (to_commands(b"+OK\r\n" * 500), "its reply is not of the protocol of Redis"),
        (at_once(HTTP), "its reply is not of the protocol of Redis"),
        (at_once(FULL), "ERR max number of clients reached: raise its maxclients"),
        (to_commands(FULL), "ERR max number of clients reached: raise its maxclients"),
    ],
)
def test_strange_reply_ends_the_connection(reply: ReplyTo, why: str) -> None:
    unhandled: list[Mapping[str, object]] = []

    async def opened() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
        async with strange_store(reply) as store:
            link = StoreLink(
                store_address(f"redis://:secret@127.0.0.1:{store.port}"), lambda _: None, PATIENCE
            )
            with pytest.raises((StoreAway, StoreRefused)) as refused:
                await link.open()
            assert why in str(refused.value)
            link.close()

    asyncio.run(opened())
    assert unhandled == []


def looking_up(key: FetchKey) -> Callable[[StoreLink], Awaitable[object]]:
    return lambda link: RemoteObjects(link, inf).look_up("", key)


@pytest.mark.parametrize(
    ("use", "reply"),
    [
        (looking_up(("tool_call", "one")), b":1\r\n"),
        (looking_up(("stored", "one")), b"*0\r\n"),
        (looking_up(("all_stored", "one")), b"+OK\r\n"),
        (looking_up(("all_stored", "one")), b"*1\r\n:1\r\n"),
        (lambda link: GroupStore(link, PATIENCE).claim_replica("one"), b"+OK\r\n"),
        (lambda link: GroupStore(link, PATIENCE).claim_replica("one"), b":0\r\n"),
        (lambda link: GroupStore(link, PATIENCE).reset(), b"+OK\r\n"),
        (lambda link: GroupStore(link, PATIENCE).reset(), b"*1\r\n+0\r\n"),
    ],
)
def test_reply_of_another_kind_is_refused(
    use: Callable[[StoreLink], Awaitable[object]], reply: bytes
) -> None:
    replies = [b"+OK\r\n"]

    async def used() -> None:
        async with strange_store(lambda data: replies[0] if data else b"") as store:
            link = StoreLink(store_address(f"redis://127.0.0.1:{store.port}"), lambda _: None, PATIENCE)
            await link.open()
            replies[0] = reply
            try:
                with pytest.raises(StoreRefused, match="its reply is not of the protocol of Redis"):
                    await use(link)
            finally:
                link.close()

    asyncio.run(used())


@pytest.mark.parametrize("above", [-1, 2])
def test_store_without_a_free_number_is_refused(above: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_store, "MAX_REPLICAS", 5)

    def reply(data: bytes) -> bytes:
        return (
            b":1\r\n" if b"INCR" in data else b"$-1\r\n" if b"NX" in data else to_commands(b"+OK\r\n")(data)
        )

    async def claimed() -> None:
        async with strange_store(reply) as store:
            link = StoreLink(store_address(f"redis://127.0.0.1:{store.port}"), lambda _: None, PATIENCE)
            await link.open()
            with pytest.raises(StoreRefused, match="its reply is not of the protocol of Redis"):
                await GroupStore(link, PATIENCE).claim_replica("one", above)
            link.close()

    asyncio.run(claimed())


def test_refused_password_leaves_no_connection_open() -> None:
    async def left() -> int:
        async with strange_store(to_commands(b"-WRONGPASS invalid password.\r\n")) as store:
            link = StoreLink(store_address(f"redis://:old@127.0.0.1:{store.port}"), lambda _: None, PATIENCE)
            for _ in range(3):
                with pytest.raises(StoreRefused, match="correct the user and the password"):
                    await link.open()
            await store.until_open(0)
            link.close()
            return store.open

    assert asyncio.run(left()) == 0


def test_log_names_each_reason_once() -> None:
    async def reported() -> list[str]:
        replies = [b"+OK\r\n"]
        lines: list[str] = []
        async with strange_store(lambda data: replies[0] if data else b"") as store:
            link = StoreLink(store_address(f"redis://:one@127.0.0.1:{store.port}"), lines.append, PATIENCE)
            await link.open()
            link.connection().abort("it has gone")
            for refusal in ("WRONGPASS no", "LOADING it", "WRONGPASS no"):
                replies[0] = f"-{refusal}\r\n".encode()
                async with asyncio.timeout(PATIENCE):
                    while not (link.problem or "").startswith(refusal):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
            replies[0] = b"+OK\r\n"
            await link.call("PING")
            link.close()
        return lines

    gone, wrong, busy, back = asyncio.run(reported())
    assert "is away: it has gone" in gone
    assert "is away: WRONGPASS no" in wrong
    assert "is away: LOADING it" in busy
    assert "is back" in back


def test_log_names_a_maximum_of_reasons() -> None:
    async def reported() -> list[str]:
        replies = [b"+OK\r\n"]
        lines: list[str] = []
        async with strange_store(lambda data: replies[0] if data else b"") as store:
            link = StoreLink(store_address(f"redis://:one@127.0.0.1:{store.port}"), lines.append, PATIENCE)
            await link.open()
            link.connection().abort("it has gone")
            for number in range(MAX_REPORTED + 2):
                replies[0] = f"-LOADING no-{number}-\r\n".encode()
                async with asyncio.timeout(PATIENCE):
                    while not (link.problem or "").startswith(f"LOADING no-{number}-"):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
            link.close()
        return lines

    assert len(asyncio.run(reported())) == MAX_REPORTED


def test_call_survives_a_connection_that_ends_while_scripts_load() -> None:
    steps: list[str] = []

    def reply(data: bytes) -> bytes:
        if b"zq-key" in data and not steps:
            steps.append("lost")
            return b"-NOSCRIPT No matching script.\r\n"
        if steps == ["lost"] and data:
            steps.append("ended")
            return HTTP
        return b"+OK\r\n" if data.startswith(b"*") else b""

    async def replied() -> object:
        async with strange_store(reply) as store:
            link = StoreLink(store_address(f"redis://127.0.0.1:{store.port}"), lambda _: None, PATIENCE)
            await link.open()
            found = await link.call("GET", "zq-key")
            link.close()
            return found

    assert asyncio.run(replied()) == b"OK"
    assert steps == ["lost", "ended"]


def test_end_of_an_older_connection_ends_no_newer_one() -> None:
    async def problem() -> str | None:
        async with strange_store(to_commands(b"+OK\r\n")) as store:
            link = StoreLink(store_address(f"redis://127.0.0.1:{store.port}"), lambda _: None, PATIENCE)
            await link.open()
            older = link.connection()
            await link.open()
            older.close()
            await store.until_open(1)
            found = link.problem
            link.close()
            return found

    assert asyncio.run(problem()) is None


def test_call_that_waits_at_the_end_does_not_stop_the_loop() -> None:
    async def closed() -> bool:
        async with strange_store(
            lambda data: b"+OK\r\n" if data and b"waiting" not in data else b""
        ) as store:
            link = StoreLink(store_address(f"redis://127.0.0.1:{store.port}"), lambda _: None, PATIENCE)
            await link.open()
            call = asyncio.ensure_future(link.call("GET", "waiting"))
            await asyncio.sleep(0)
            link.close()
            await store.until_open(0)
            waits = not call.done()
            call.cancel()
            return waits

    assert asyncio.run(closed())


def test_store_that_accepts_scripts_but_no_writes_is_away() -> None:
    def reply(data: bytes) -> bytes:
        return (
            b"-CLUSTERDOWN Hash slot not served\r\n" if b"writable" in data else b"+OK\r\n" if data else b""
        )

    async def opened() -> None:
        async with strange_store(reply) as store:
            link = StoreLink(store_address(f"redis://127.0.0.1:{store.port}"), lambda _: None, PATIENCE)
            with pytest.raises(StoreRefused, match=r"CLUSTERDOWN .*use a server outside of a cluster"):
                await link.open()
            link.close()

    asyncio.run(opened())


@pytest.mark.parametrize(
    "url",
    [
        "redis://:s3cr/et@127.0.0.1:6379",
        "redis://:s3cr#et@127.0.0.1:6379",
        "redis://:s3cret@127.0.0.1:s3cret",
        "redis://:s3cret@[::1",
        "redis://:s3cret@127.0.0.1/s3cret",
        "redis://:s3cret@127.0.0.1?db=s3cret",
        "redis://:123?s3cr=x@127.0.0.1",
        "redis://:123?s3cret@127.0.0.1",
        "redis://:123?username=s3cret@127.0.0.1",
        "redis://:one@two?s3cr=x@127.0.0.1",
        "redis://:123#s3cret@127.0.0.1",
    ],
)
def test_address_with_a_mistake_shows_no_password(url: str) -> None:
    with pytest.raises(BadAddress, match="expected redis://USER:PASSWORD@HOST:PORT/DATABASE") as refused:
        store_address(url)
    assert "s3cr" not in str(refused.value)


@pytest.mark.parametrize("url", ["unix://", "unix://relative/path", "http://127.0.0.1"])
def test_address_of_no_store_is_refused(url: str) -> None:
    with pytest.raises(BadAddress, match=r"expected .*unix:///PATH"):
        store_address(url)


@pytest.mark.parametrize("host", ["a" * 64, f"store.{'a' * 64}.example", "store..example", "store%00"])
def test_address_whose_host_is_no_name_is_refused(host: str) -> None:
    with pytest.raises(BadAddress, match=r"the host in this address is not a name: .* 1 to 63 characters"):
        store_address(f"redis://:s3cret@{host}:6379/1")


def test_host_of_any_valid_form_is_accepted() -> None:
    for host in ("a" * 63, "store.example.", "127.0.0.1", "[::1]", "b\u00fccher.example", "under_score"):
        assert store_address(f"redis://{host}:6379").host == host.strip("[]")


def test_option_in_an_address_without_effect_is_refused() -> None:
    with pytest.raises(BadAddress, match=r"ssl_cert_reqs has no effect.*SSL_CERT_FILE"):
        store_address("rediss://127.0.0.1:6379/0?ssl_cert_reqs=none&db=1")


def test_database_and_user_may_be_in_the_query() -> None:
    address = store_address("redis://127.0.0.1?db=3&username=one&password=two")
    assert (address.db, address.username, address.password) == (3, "one", "two")


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("ERR \x1b[31mno\r", "ERR  [31mno"),
        ("OOM command not allowed.", "OOM command not allowed: raise its maxmemory"),
        (
            "MOVED 12 10.0.0.1:6379",
            "MOVED 12 10.0.0.1:6379: it is a node of a cluster; use a server outside of a cluster",
        ),
        (
            "WRONGTYPE Operation script: mockllm_80c5_decide, on @user_function:96.",
            "WRONGTYPE Operation: another program writes its keys mockllm:*; use a separate database",
        ),
    ],
)
def test_refusal_is_one_line_that_says_what_helps(reply: str, text: str) -> None:
    assert refusal_text(reply) == text


@pytest.mark.parametrize(("code", "hint"), [(19, "; SSL_CERT_FILE names a file with its CA"), (10, "")])
def test_certificate_of_unknown_ca_says_how_to_trust_it(code: int, hint: str) -> None:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] failed (_ssl.c:1006)")
    error.verify_code, error.verify_message = code, "why"
    assert error_text(error) == f"its certificate is refused: why{hint}"


def test_other_errors_of_the_network_say_what_the_system_says() -> None:
    assert error_text(ConnectionRefusedError(111, "Connection refused")) == "Connection refused"
    assert error_text(OSError("multiple errors")) == "multiple errors"
