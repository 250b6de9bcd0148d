"""Facts of a provider that follow from its calls: hints in headers, hosts of recordings, and the known models."""

from __future__ import annotations

import pickle
from collections import Counter
from typing import Final

import pytest

from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.provider import Provider
from mockllm.dialects.provider_facts import is_known_model
from mockllm.dialects.providers import BY_NAME, DIALECTS, REGISTERED, GeneratingCall, generating_dialect
from mockllm.dialects.router import RouteMatch, find_route
from tests.dialects.full_requests import calls, read

COMMON: Final = frozenset({"content-type", "authorization", "accept"})
"""Headers that clients of all providers send."""
NAMED_BY_USERS: Final = frozenset({"azure"})
"""The providers whose users name the models."""
OWN_SERVERS: Final = frozenset({"vllm", "mcp"})
"""Servers that users run, at any host."""
PREFIXED: Final = [each for each in REGISTERED if each.needs_prefix and each.name not in OWN_SERVERS]


def test_classes_of_requests_can_be_pickled() -> None:
    """The journals of workers are pickled, and name them."""
    classes = {dialect.request_class for dialect in DIALECTS}
    assert {pickle.loads(pickle.dumps(each)) for each in classes} == classes


@calls
def test_usual_model_of_a_call_is_known(call: GeneratingCall) -> None:
    """`models: strict` accepts the requests that `build_request` writes."""
    model = read(call, call.dialect.build_request(NeutralRequest())).model
    assert model is not None
    assert is_known_model(call.provider, model) is (call.provider not in NAMED_BY_USERS), (
        f"known_models of {call.provider} lacks {model}"
    )


@calls
def test_own_header_of_a_request_is_a_hint(call: GeneratingCall) -> None:
    """Of the provider, or of that whose protocol it speaks, where its paths need no prefix."""
    provider, imitated = BY_NAME[call.provider], BY_NAME[call.dialect.name]
    wire = call.dialect.build_request(NeutralRequest(api_key="sk-x"))
    own = {name.lower() for name in wire.headers} - COMMON
    assert provider.needs_prefix or own <= {*provider.hint_headers, *imitated.hint_headers}


@pytest.mark.parametrize(
    "provider", [each for each in REGISTERED if each.hint_headers], ids=lambda provider: provider.name
)
def test_each_hint_alone_selects_the_provider(provider: Provider) -> None:
    usual = generating_dialect(provider.name)
    assert usual is not None
    wire = usual.build_request(NeutralRequest())
    path = wire.path.partition("?")[0].removeprefix(f"/{provider.name}")
    for name in provider.hint_headers:
        assert name == name.lower()
        found = find_route(wire.method, path, {name: "x"})
        assert isinstance(found, RouteMatch)
        assert found.provider == provider.name


@pytest.mark.parametrize("provider", PREFIXED, ids=lambda provider: provider.name)
def test_provider_with_a_prefix_has_hosts(provider: Provider) -> None:
    """A recording of its API gets the prefix by the host."""
    assert provider.hosts


def test_no_two_providers_have_the_same_host() -> None:
    counts = Counter(host for provider in REGISTERED for host in provider.hosts)
    assert [host for host, count in counts.items() if count > 1] == []
