"""Vertex AI's batch jobs with google-genai."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google import genai
from google.genai import errors, types

from tests.live import live as serve
from tests.sdk.gemini_clients import vertex

SCENARIO = """
rules:
  - {match: {api: batches, body: {$.displayName: broken}}, reply: {batch: {status: failed, message: Gone.}}}
  - {match: {api: batches}, reply: {batch: {status: completed, responses: 3}}}
  - reply: Hi.
modifiers:
  - {match: {api: batches}, pace: {queued_polls: 1, in_progress_polls: 1}}
  - {match: {api: batches, body: {$.displayName: slow}}, pace: {in_progress_polls: 1000}}
"""
"""Reads decide the states, so no test depends on the time that a server takes."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[genai.Client]:
    file = tmp_path_factory.mktemp("jobs") / "jobs.yaml"
    file.write_text(SCENARIO)
    with serve(file) as server, vertex(server) as found:
        yield found


def create(client: genai.Client, title: str, src: str = "gs://bucket/in.jsonl") -> types.BatchJob:
    return client.batches.create(model="gemini-2.5-flash", src=src, config={"display_name": title})


def ended(client: genai.Client, name: str | None) -> types.BatchJob:
    for _ in range(9):
        job = client.batches.get(name=name or "")
        if job.done:
            return job
    raise AssertionError("the job does not end")


def test_job_runs_from_storage_to_storage(client: genai.Client) -> None:
    created = create(client, "mine")
    assert (created.state, created.done) == (types.JobState.JOB_STATE_PENDING, False)
    job = ended(client, created.name)
    assert (job.state, job.display_name) == (types.JobState.JOB_STATE_SUCCEEDED, "mine")
    assert job.model == "publishers/google/models/gemini-2.5-flash"
    assert job.src is not None
    assert job.src.gcs_uri == ["gs://bucket/in.jsonl"]
    assert job.dest is not None
    assert job.dest.gcs_uri == "gs://bucket/in/dest"
    assert job.output_info is not None
    assert (job.output_info.gcs_output_directory or "").startswith("gs://bucket/in/dest/prediction-model-")
    assert job.completion_stats is not None
    assert job.completion_stats.successful_count == 3
    assert None not in (job.create_time, job.start_time, job.end_time, job.update_time)


def test_job_reads_and_writes_tables(client: genai.Client) -> None:
    job = ended(client, create(client, "tables", "bq://p.d.t").name)
    assert job.dest is not None
    assert job.output_info is not None
    assert job.output_info.bigquery_output_table == job.dest.bigquery_uri


def test_failed_job_has_an_error(client: genai.Client) -> None:
    job = ended(client, create(client, "broken").name)
    assert job.state == types.JobState.JOB_STATE_FAILED
    assert job.error is not None
    assert (job.error.code, job.error.message) == (13, "Gone.")


def test_running_job_is_cancelled(client: genai.Client) -> None:
    name = create(client, "slow").name or ""
    client.batches.cancel(name=name)
    job = client.batches.get(name=name)
    assert job.state in (types.JobState.JOB_STATE_CANCELLING, types.JobState.JOB_STATE_CANCELLED)


def test_deleted_job_is_not_found(client: genai.Client) -> None:
    name = ended(client, create(client, "deleted").name).name or ""
    assert name in {job.name for job in client.batches.list(config={"page_size": 1})}
    assert client.batches.delete(name=name).done
    with pytest.raises(errors.ClientError, match="not found"):
        client.batches.get(name=name)


def test_job_without_a_destination_is_refused(client: genai.Client) -> None:
    with pytest.raises(errors.ClientError, match=r"output_config.destination") as caught:
        create(client, "nowhere", "gs://bucket/folder")
    assert caught.value.code == 400
