"""Templates in the names of files: one of the files that were there when the scenarios were loaded."""

from __future__ import annotations

import pytest

from tests.language.virtual_server import chat_request, diagnostics_of, raw_request, respond_once

FILES = {
    "a.yaml": "rules: [{reply: {text: {file: 'texts/{{ user }}.md'}}}]",
    "texts/anna.md": "Hello {{ user }}",
    "texts/ben.md": "Ben",
    "secret.md": "no",
}


@pytest.mark.parametrize(("user", "text"), [("anna", "Hello {{ user }}"), ("ben", "Ben")])
def test_template_names_a_file_by_the_request(user: str, text: str) -> None:
    assert respond_once(FILES, chat_request(user)).text == text


@pytest.mark.parametrize("user", ["carl", "../secret", "", "anna.md/../ben", "*", "a/b"])
def test_name_of_no_loaded_file_is_bad_request(user: str) -> None:
    response = respond_once(FILES, chat_request(user))
    assert response.status == 400
    assert f"there is no file 'texts/{user}.md'" in response.json["error"]["message"]


def test_template_names_the_body_file() -> None:
    files = {
        "a.yaml": "rules: [{match: {path: /p}, http: {body_file: '{{ query.page }}.html'}}]",
        "x.html": "<p>",
    }
    assert respond_once(files, raw_request("/p", query="page=x")).bytes == b"<p>"
    assert respond_once(files, raw_request("/p", query="page=y")).status == 400


def test_template_that_fits_no_file_is_a_mistake() -> None:
    assert diagnostics_of({"a.yaml": "rules: [{reply: {text: {file: 'texts/{{ user }}.md'}}}]"}) == [
        'rules[0].reply.text.file: there is no file "texts/*.md"; the files that a template can name are read at '
        "the start"
    ]
    (outside,) = diagnostics_of(
        {**FILES, "sub/b.yaml": "rules: [{reply: {text: {file: '{{ user }}/../../x'}}}]"}
    )
    assert "there is no file" in outside


@pytest.mark.parametrize("name", ["../{{ user }}.md", "/etc/{{ user }}", "{{ user }}/../../x"])
def test_template_that_leads_out_names_no_file(name: str) -> None:
    files = {**FILES, "a.yaml": f"rules: [{{reply: {{text: {{file: '{name}'}}}}}}]"}
    shown = name.replace("{{ user }}", "*")
    assert diagnostics_of(files) == [
        f'rules[0].reply.text.file: "{shown}" is outside of the folder; a file can only refer to files beside or '
        "below it"
    ]
