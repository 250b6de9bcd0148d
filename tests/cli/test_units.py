"""Options in seconds, bytes and counts are read as people write them; an invalid value raises with a message."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockllm.cli.units import (
    address,
    byte_text,
    count,
    error_status,
    host_name,
    port,
    positive_seconds,
    seconds,
    size,
    upstream,
)


@pytest.mark.parametrize("url", ["http://user:S3CRET@h", "http://user:S3/CRET@h:x", "htp://user:S3CRET@"])
def test_error_for_an_upstream_has_no_password(url: str) -> None:
    with pytest.raises(ValueError, match="expected PROVIDER=URL") as raised:
        upstream(f"openai={url}")
    assert "CRET" not in str(raised.value)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (seconds, "5", 5),
        (seconds, "0.5", 0.5),
        (seconds, "500ms", 0.5),
        (seconds, "5m", 300),
        (seconds, "0", 0),
        (size, "1000", 1000),
        (size, "64KiB", 64 * 1024),
        (size, "32 MiB", 32 * 1024**2),
        (size, "1g", 1024**3),
        (size, "2MB", 2 * 1024**2),
        (size, "12 bytes", 12),
        (count, "12", 12),
        (port, "0", 0),
        (port, "65535", 65535),
        (error_status, "400", 400),
        (error_status, "599", 599),
    ],
)
def test_units_are_parsed(read: Callable[[str], float], text: str, value: float) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (seconds, "nan", "expected a number of seconds, found 'nan'"),
        (seconds, "inf", "expected a number of seconds, found 'inf'"),
        (seconds, "-1", "expected a number of seconds, found '-1'"),
        (seconds, "soon", '"soon" is not a duration; write "300ms", "2s" or "1m"'),
        (size, "32x", "expected a number of bytes, such as 1000, 64KiB or 32MiB, found '32x'"),
        (size, "-5", "expected a number of bytes, such as 1000, 64KiB or 32MiB, found '-5'"),
        (count, "1.5", "expected a whole number, found '1.5'"),
        (port, "65536", "expected a port from 0 to 65535, found '65536'"),
        (port, "-1", "expected a port from 0 to 65535, found '-1'"),
        (port, "http", "expected a whole number, found 'http'"),
        (address, "localhost:99999", "expected a port from 0 to 65535, found '99999'"),
        (address, "localhost:²", "expected HOST:PORT, found 'localhost:²'"),
        (positive_seconds, "0", "expected more than 0 seconds, found '0'"),
        (error_status, "200", "expected a status from 400 to 599, found '200'"),
        (error_status, "600", "expected a status from 400 to 599, found '600'"),
        (error_status, "4xx", "expected a status from 400 to 599, found '4xx'"),
    ],
)
def test_invalid_unit_raises_with_message(read: Callable[[str], float], text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=r"^.*$") as raised:
        read(text)
    assert str(raised.value) == expected


@pytest.mark.parametrize(
    ("size", "text"), [(300, "300 bytes"), (1536, "1.5 KiB"), (64 * 1024**2, "64 MiB"), (0, "0 bytes")]
)
def test_bytes_are_formatted_with_their_unit(size: int, text: str) -> None:
    assert byte_text(size) == text


@pytest.mark.parametrize(("text", "host"), [(" API.example.com ", "api.example.com"), ("[::1]", "::1")])
def test_host_name_is_in_lower_case(text: str, host: str) -> None:
    assert host_name(text) == host


@pytest.mark.parametrize("text", ["http://localhost:8093", "localhost:8093", "a@b", " "])
def test_host_name_has_no_scheme_and_port(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"expected a host such as api\.example\.com, without scheme and port"
    ):
        host_name(text)
