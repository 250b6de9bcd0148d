"""Which path a misspelt one means."""

from __future__ import annotations

import pytest

from mockllm.dialects.misspelt_paths import MAX_MISSPELT, path_meant_by


def known() -> list[str]:
    return ["/v1/messages", "/v1/models/{model}", f"/{'x' * MAX_MISSPELT}"]


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/mesages", "/v1/messages"),
        ("/v1/messsages", "/v1/messages"),
        ("/v1/massages", "/v1/messages"),
        ("/v1/masages", None),
        (f"/{'x' * (MAX_MISSPELT - 1)}", f"/{'x' * MAX_MISSPELT}"),
        (f"/{'x' * (MAX_MISSPELT + 1)}", None),
    ],
)
def test_path_means_one_that_differs_by_a_letter(path: str, meant: str | None) -> None:
    assert path_meant_by(path, known) == meant
