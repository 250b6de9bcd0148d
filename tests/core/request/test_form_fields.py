"""Fields of forms."""

from __future__ import annotations

import pytest

from mockllm.core.request.form_fields import (
    MAX_ENCODED,
    MAX_FIELDS,
    MAX_HEAD,
    MAX_NAME,
    FormFile,
    multipart_parts,
    read_files,
    read_form,
    without_boundary,
    without_contents,
)

MULTIPART = "multipart/form-data; boundary=xyz"


def part(head: str, content: str) -> str:
    return f"--xyz\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n"


def test_multipart_fields_and_file_names() -> None:
    body = part('name="model"', "whisper-1") + part('name="file"; filename="a.wav"', "RIFF") + "--xyz--\r\n"
    assert read_form(MULTIPART, body.encode()) == {"model": "whisper-1", "file": "a.wav"}
    quoted = 'Multipart/Form-Data; boundary="xyz"'
    assert read_form(quoted, body.encode())["model"] == "whisper-1"


def test_urlencoded_fields() -> None:
    assert read_form("application/x-www-form-urlencoded", b"a=1&b=&a=2") == {"a": "2", "b": ""}
    assert read_form("application/x-www-form-urlencoded; charset=utf-8", b"a=%C3%BC") == {"a": "ü"}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("", b"a=1"),
        ("multipart/form-data", b"--x"),
        (MULTIPART, b""),
        (MULTIPART, b"--xyz\r\nno end of a head"),
        (MULTIPART, b"--xyz\r\nContent-Type: text/plain\r\n\r\nno name\r\n--xyz--"),
    ],
)
def test_body_that_is_no_form_has_no_fields(content_type: str, body: bytes) -> None:
    assert read_form(content_type, body) == {}


def test_number_of_fields_is_bounded() -> None:
    many = "".join(part(f'name="{number}"', "x") for number in range(MAX_FIELDS + 9))
    assert len(read_form(MULTIPART, many.encode())) == MAX_FIELDS
    assert read_form("application/x-www-form-urlencoded", b"&".join([b"a=1"] * (MAX_FIELDS + 1))) == {}


def test_encoded_bytes_of_a_form_are_bounded() -> None:
    form = "application/x-www-form-urlencoded"
    assert read_form(form, b"a=" + b"%41" * MAX_ENCODED) == {"a": "A" * MAX_ENCODED}
    assert read_form(form, b"a=1&b=" + b"%41" * (MAX_ENCODED + 1)) == {}
    assert len(read_form(form, b"a=" + b"x+" * MAX_ENCODED)["a"]) == 2 * MAX_ENCODED


def test_decoded_name_of_a_file_is_bounded() -> None:
    for count, name in ((MAX_NAME // 3, '"' * (MAX_NAME // 3)), (MAX_NAME, "%22" * MAX_NAME)):
        body = part(f'name="file"; filename="{"%22" * count}"', "RIFF")
        assert read_form(MULTIPART, body.encode()) == {"file": name}


IMAGE = part('name="file"; filename="a%22.png"', "\x00png").replace(
    '.png"\r\n', '.png"\r\nContent-Type: image/png\r\n'
)


def test_files_have_name_type_and_content() -> None:
    body = part('name="purpose"', "vision") + IMAGE + part('name="b"; filename=""', "") + "--xyz--\r\n"
    first, second = read_files(MULTIPART, body.encode())
    assert first == FormFile("file", 'a".png', "image/png", b"\x00png")
    assert second == FormFile("b", "", "", b"")
    assert read_files("application/json", b"{}") == ()


def test_upload_loses_contents_of_files_alone() -> None:
    body = (part('name="purpose"', "vision") + IMAGE + "--xyz--\r\n").encode()
    left = without_contents(MULTIPART, body)
    assert b"png" not in left.replace(b".png", b"").replace(b"image/png", b"")
    assert read_form(MULTIPART, left) == {"purpose": "vision", "file": 'a".png'}


def test_related_upload_has_its_description() -> None:
    body = b'--xyz\r\n\r\n{"file": {}}\r\n--xyz\r\nContent-Type: text/plain\r\n\r\nsecret\r\n--xyz--'
    left = without_contents("multipart/related; boundary=xyz", body)
    assert b"secret" not in left
    assert [part.content for part in multipart_parts("multipart/related; boundary=xyz", left)] == [
        b'{"file": {}}',
        b"",
    ]


def test_other_upload_loses_its_content() -> None:
    assert without_contents("image/png", b"\x89PNG") == b""


def test_boundary_is_left_out_of_multipart_alone() -> None:
    one, two = (f"--{name}\r\n\r\nx\r\n--{name}--".encode() for name in ("xyz", "abc"))
    assert without_boundary(MULTIPART, one) == without_boundary("multipart/form-data; boundary=abc", two)
    assert without_boundary("text/plain", one) == one


@pytest.mark.parametrize("line", ["X: y\r\n", "a=b; "], ids=["lines", "parameters"])
def test_part_with_a_long_head_is_not_read(line: str) -> None:
    disposition = 'Content-Disposition: form-data; name="a"; filename="a"; '
    longest = disposition + "x" * (MAX_HEAD - len(disposition))
    kept = f"--xyz{longest}\r\n\r\n1\r\n"
    (found,) = multipart_parts(MULTIPART, f"{kept}--xyz--".encode())
    assert (found.field, found.content) == ("a", b"1")
    assert list(multipart_parts(MULTIPART, kept.replace("xx", "xxx").encode())) == []
    long = f"--xyz\r\n{disposition}{line * MAX_HEAD}\r\n\r\n1\r\n--xyz--".encode()
    assert (read_form(MULTIPART, long), read_files(MULTIPART, long)) == ({}, ())
    assert without_contents(MULTIPART, long) == long
