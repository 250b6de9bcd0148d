"""Where spans go, by the environment: what is right is taken, what is wrong is named with the right one."""

from __future__ import annotations

import pytest

from mockllm.server.traces.otlp_endpoint import BASE, EXACT, OtlpEndpoint, target

RIGHT = {
    "http://localhost:4318": "http://localhost:4318/v1/traces",
    "http://localhost:4318/": "http://localhost:4318/v1/traces",
    " https://otel.example/otlp ": "https://otel.example/otlp/v1/traces",
    "http://[::1]:4318": "http://[::1]:4318/v1/traces",
    "HTTP://h:4318": "http://h:4318/v1/traces",
}


@pytest.mark.parametrize(("address", "url"), RIGHT.items())
def test_base_url_gets_the_path_of_traces(address: str, url: str) -> None:
    assert target({BASE: address}) == OtlpEndpoint(url)


def test_traces_variable_has_priority_and_no_added_path() -> None:
    address = "https://a.example/otlp?tenant=7"
    assert target({BASE: "http://other:4318", EXACT: address}) == OtlpEndpoint(address)


WRONG = {
    "localhost:4318": ("no scheme", "http://localhost:4318"),
    "collector": ("no scheme", "http://collector:4318"),
    "127.0.0.1:4318/otlp": ("no scheme", "http://127.0.0.1:4318/otlp"),
    "http://localhost:4317": ("gRPC's port", "http://localhost:4318"),
    "localhost:4317": ("gRPC's port", "http://localhost:4318"),
    "https://a.example:4317": ("gRPC's port", "https://a.example:4318"),
    "http://[::1]:4317": ("gRPC's port", "http://[::1]:4318"),
    "grpc://a.example:5000": ("gRPC's", "http://a.example:5000"),
    "grpcs://a.example": ("gRPC's", "https://a.example:4318"),
    "http://localhost:4318/v1/traces": ("added again", "http://localhost:4318"),
    "http://localhost:4318/otlp/v1/traces/v1/traces/": ("added again", "http://localhost:4318/otlp"),
    "'http://localhost:4318'": ("quotes", "http://localhost:4318"),
}


@pytest.mark.parametrize(("address", "reported"), WRONG.items(), ids=list(WRONG))
def test_invalid_url_is_reported_with_a_correction(address: str, reported: tuple[str, str]) -> None:
    why, right = reported
    found = target({BASE: address})
    assert found is not None
    assert found.url == f"{right}/v1/traces"
    assert found.warning is not None
    assert why in found.warning
    assert found.warning.startswith(f"{BASE} is ")
    assert found.warning.endswith(f"traces are sent to {right}")


NONE = (
    "ftp://localhost:4318", "http://", ":4318", "4318", "http://h:99999", "http://h:port", "h:port", "http://h:0",
    "http:/localhost:4318", "http//localhost:4318", "http://[::1", "two words", "http://h\n:4318", "\x1b[31mh",
)  # fmt: skip


@pytest.mark.parametrize("address", NONE, ids=ascii)
def test_value_that_is_not_a_url_is_reported(address: str) -> None:
    found = target({BASE: address})
    assert found is not None
    assert found.url is None
    assert found.warning is not None
    assert "http://localhost:4318" in found.warning
    assert found.warning.isprintable()


EXACTLY = {
    "http://h:4318": ("http://h:4318", "no path"),
    "h:4318": ("http://h:4318/v1/traces", "no scheme"),
    "http://h:4317": ("http://h:4318/v1/traces", "gRPC's port"),
    "h:4318/v1/traces": ("http://h:4318/v1/traces", "no scheme"),
}


@pytest.mark.parametrize(("address", "reported"), EXACTLY.items(), ids=list(EXACTLY))
def test_traces_variable_without_path_is_reported(address: str, reported: tuple[str, str]) -> None:
    found = target({EXACT: address})
    assert found is not None
    assert found.url == reported[0]
    assert reported[1] in (found.warning or "")


def test_password_in_url_is_hidden() -> None:
    found = target({BASE: "http://me:s3cret@h:4317"})
    assert found is not None
    assert found.url == "http://me:s3cret@h:4318/v1/traces"
    assert "s3cret" not in (found.warning or "s3cret")


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {BASE: " "},
        {BASE: "http://h:4318", "OTEL_SDK_DISABLED": "True"},
        {BASE: "localhost", "OTEL_TRACES_EXPORTER": "none"},
    ],
    ids=["nothing", "an empty value", "the SDK is disabled", "no exporter for traces"],
)
def test_exporter_none_disables_tracing(environment: dict[str, str]) -> None:
    assert target(environment) is None


def test_other_protocol_is_reported() -> None:
    found = target({BASE: "http://h:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert found is not None
    assert found.url == "http://h:4318/v1/traces"
    assert "http/protobuf" in (found.warning or "")
    same = {BASE: "http://h:4318", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}
    assert target(same) == OtlpEndpoint("http://h:4318/v1/traces")
