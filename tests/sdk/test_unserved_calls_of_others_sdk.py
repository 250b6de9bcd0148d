"""Calls of the anthropic, google-genai and boto3 packages that are not served: a 501 that says so."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import anthropic
import botocore
import google.genai
import pytest

from mockllm.dialects.router import MethodNotAllowed, NoRoute, find_route
from tests.live import Live
from tests.live import live as serve
from tests.sdk.sdk_releases import require_known

ANTHROPIC: Final = {"anthropic-version": "2023-06-01"}
GOOGLE: Final = {"x-goog-api-key": "k"}
AWS: Final = {"x-amz-date": "20261125T000000Z"}
SIMPLE_VARIABLE: Final = re.compile(r"\{\w+\}")


def _texts(package: Any, *folders: str) -> Iterator[str]:
    for folder in folders:
        for file in sorted(Path(package.__file__).parent.glob(folder)):
            yield file.read_text(encoding="utf-8")


def anthropic_paths() -> set[str]:
    texts = _texts(anthropic, "resources/**/*.py")
    return {path for text in texts for path in re.findall(r'"(/v1/[^"?]*)', text)}


def google_paths() -> set[str]:
    """Return the paths below the version of an API with a key; paths of Vertex begin with a project."""
    calls = "".join(_texts(google.genai, "*.py"))
    named = {f"/v1beta/{path}" for path in re.findall(r"path = '([a-z]\w+)'", calls)}
    texts = _texts(google.genai, "_gaos/*.py")
    own = {path for text in texts for path in re.findall(r'"((?:/upload)?/\{api_version\}/[^"]*)"', text)}
    vertex = {"/v1beta/batchPredictionJobs", "/v1beta/tuningJobs"}
    return (named | {path.replace("{api_version}", "v1beta") for path in own}) - vertex


def bedrock_paths() -> set[str]:
    data = Path(botocore.__file__).parent / "data"
    result = set[str]()
    for service in ("bedrock-runtime", "bedrock"):
        (file,) = (data / service).glob("*/service-2.json.gz")
        operations = json.loads(gzip.decompress(file.read_bytes()))["operations"].values()
        result |= {operation["http"]["requestUri"].partition("?")[0] for operation in operations}
    return {path for path in result if not path.endswith("-bidirectional-stream")}


@pytest.mark.parametrize(
    ("package", "paths", "headers", "provider"),
    [
        ("anthropic", anthropic_paths(), ANTHROPIC, "anthropic"),
        ("google-genai", google_paths(), GOOGLE, "gemini"),
        ("boto3", bedrock_paths(), AWS, "bedrock"),
    ],
    ids=["anthropic", "gemini", "bedrock"],
)
def test_each_path_of_sdk_is_known(
    package: str, paths: set[str], headers: dict[str, str], provider: str
) -> None:
    assert len(paths) > 15, "the pattern finds the paths of the SDK"
    unserved, unknown = set[str](), set[str]()
    for path in paths:
        found = find_route("OPTIONS", SIMPLE_VARIABLE.sub("x", path), headers)
        if not isinstance(found, NoRoute):
            assert isinstance(found, MethodNotAllowed)
        elif found.failure.status == 501:
            assert str(found.dialect.name) == provider or provider == "bedrock"
            unserved.add(path)
        else:
            unknown.add(path)
    assert unserved
    require_known(package, unknown)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("others") / "rules.yaml"
    file.write_text("rules: [{reply: hi}]")
    with serve(file) as running:
        yield running


def test_skills_of_anthropic_are_known_and_not_served(server: Live) -> None:
    with (
        anthropic.Anthropic(base_url=server.url, api_key="k") as client,
        pytest.raises(anthropic.InternalServerError) as raised,
    ):
        client.beta.skills.list()
    assert raised.value.status_code == 501
    assert "Known API, not served: GET /v1/skills is a call of Anthropic" in str(raised.value)


def test_media_of_google_are_known_and_not_served(server: Live) -> None:
    options = google.genai.types.HttpOptions(base_url=server.url)
    with google.genai.Client(api_key="k", http_options=options) as client:
        with pytest.raises(google.genai.errors.ServerError) as raised:
            client.file_search_stores.download_media(media_id="fileSearchStores/x/media/y")
        assert raised.value.code == 501
        assert "is a call of Gemini" in str(raised.value.message)
