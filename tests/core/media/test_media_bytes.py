"""Generated images, audio and videos. The digests are of files that ffmpeg 8 and Pillow 13 decoded to the expected
sizes, lengths and colours; they also hold the bytes equal on every machine."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from struct import unpack, unpack_from
from wave import open as open_wave

import pytest

from mockllm.core.media.audio import AUDIO_TYPES, LONGEST, MAX_CHUNKS, RATE, make_audio, wav_seconds
from mockllm.core.media.images import LARGEST, ImageSize, make_image, size_of
from mockllm.core.media.subject import color_of
from mockllm.core.media.video import FRAMES, make_video

IMAGES = [
    ("png", (1, 1), "21c419a9c536b700"),
    ("png", (7, 3), "1ba4ed1d03f6ac35"),
    ("png", (257, 130), "9630b71cf370e1d1"),
    ("png", (1024, 1024), "e6512a11f8d0a5b1"),
    ("jpeg", (1, 1), "6e7c98c38bb5ccfc"),
    ("jpeg", (7, 3), "f2dc89ff09204dae"),
    ("jpeg", (257, 130), "4772a0ff43630a4d"),
    ("jpeg", (1024, 1024), "2638d195b502cf71"),
    ("webp", (1, 1), "7a7b9ffbbee7aec4"),
    ("webp", (7, 3), "4b7c4a8c619c0d4e"),
    ("webp", (257, 130), "5f171336e15afec3"),
    ("webp", (1024, 1024), "b05f71f9012d68be"),
]
AUDIO = [
    ("mp3", "200a5ca15700ffe3"),
    ("opus", "aa9d6ec579dec1e5"),
    ("aac", "bd48327c0b32f76e"),
    ("flac", "76aa2aa634b654e8"),
    ("wav", "195d2a4f48467b7d"),
    ("pcm", "69097a4bceb5e9bd"),
]
VIDEOS = [
    ((1280, 720), "d05d49a82f9d3ac0"),
    ((1920, 1080), "87c1c47e173aa730"),
    ((16, 16), "cbec2a805723115d"),
    ((32, 16), "9f3538ca052ccd2f"),
    ((16, 32), "c45e3f27deb15077"),
]


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]


@pytest.mark.parametrize(("format", "size", "expected"), IMAGES)
def test_image_has_known_bytes(format: str, size: tuple[int, int], expected: str) -> None:
    assert digest(make_image(format, ImageSize(*size), "a cat")) == expected


@pytest.mark.parametrize(("format", "expected"), AUDIO)
def test_audio_has_known_bytes(format: str, expected: str) -> None:
    assert digest(make_audio(format, 2.5, "hello")) == expected


@pytest.mark.parametrize(("size", "expected"), VIDEOS)
def test_video_has_known_bytes(size: tuple[int, int], expected: str) -> None:
    assert digest(make_video(ImageSize(*size), 1, "a dog")) == expected


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(data):
        length, kind = unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        assert unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + content)
        yield kind, content
        at += 12 + length


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (9, 40), (300, 1000), (1792, 1024)])
def test_png_has_all_rows_of_its_size(size: tuple[int, int]) -> None:
    chunks = dict(png_chunks(make_image("png", ImageSize(*size), "x")))
    assert unpack(">II", chunks[b"IHDR"][:8]) == size
    rows = zlib.decompress(chunks[b"IDAT"])
    assert len(rows) == (1 + (size[0] + 7) // 8) * size[1]
    assert chunks[b"PLTE"][3:] == bytes(color_of("x"))


def test_transparent_images_differ_from_opaque_ones() -> None:
    size = ImageSize(16, 16)
    assert b"tRNS" in dict(png_chunks(make_image("png", size, "x", transparent=True)))
    opaque = make_image("webp", size, "x")
    assert make_image("webp", size, "x", transparent=True) != opaque
    assert make_image("unknown", size, "x") == make_image("png", size, "x")


def test_subject_determines_the_picture() -> None:
    size = ImageSize(64, 64)
    assert make_image("png", size, "a") == make_image("png", size, "a") != make_image("png", size, "b")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1024x768", (1024, 768)),
        ("0x5", (1, 5)),
        ("99999x1", (LARGEST, 1)),
        ("auto", None),
        ("1x", None),
        ("", None),
    ],
)
def test_size_of_text(text: str, size: tuple[int, int] | None) -> None:
    assert size_of(text) == size


def test_wav_has_the_requested_duration() -> None:
    data = make_audio("wav", 1.5, "x")
    with open_wave(BytesIO(data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (RATE, 1, RATE * 3 // 2)
    assert wav_seconds(data) == 1.5
    assert make_audio("other", 1.5, "x") == data


def test_length_of_audio_is_bounded() -> None:
    assert make_audio("pcm", -1, "x") == b""
    assert len(make_audio("pcm", LONGEST * 9, "x")) == LONGEST * RATE * 2


@pytest.mark.parametrize("format", AUDIO_TYPES)
def test_audio_without_a_length_is_short(format: str) -> None:
    assert len(make_audio(format, 0, "")) < 150


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"RIFF\0\0\0\0WAVE",
        b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0\0\0\0\0",
        b"RIFF\0\0\0\0WAVEdata\x04\0\0\0\0\0\0\0",
        b"RIFF\0\0\0\0WAVEodd \x01\0\0\0x\0",
    ],
)
def test_length_of_a_broken_wav_is_unknown(data: bytes) -> None:
    assert wav_seconds(data) is None


@pytest.mark.parametrize(("empty", "seconds"), [(MAX_CHUNKS - 2, 1.0), (MAX_CHUNKS - 1, None)])
def test_wav_with_more_chunks_than_are_read_has_no_length(empty: int, seconds: float | None) -> None:
    data = make_audio("wav", 1, "x")
    assert wav_seconds(data[:12] + b"odd \0\0\0\0" * empty + data[12:]) == seconds


def test_wav_that_is_cut_lasts_as_long_as_its_data() -> None:
    data = make_audio("wav", 2, "x")
    assert wav_seconds(data[: len(data) - RATE * 2]) == 1.0


def boxes(data: bytes) -> dict[bytes, bytes]:
    found, at = {}, 0
    while at < len(data):
        length, kind = unpack_from(">I4s", data, at)
        found[kind] = data[at + 8 : at + length]
        at += length
    return found


def test_video_has_a_sample_for_each_picture() -> None:
    file = boxes(make_video(ImageSize(64, 48), 2, "x"))
    assert list(file) == [b"ftyp", b"mdat", b"moov"]
    track = boxes(file[b"moov"])[b"trak"]
    table = boxes(boxes(boxes(boxes(track)[b"mdia"])[b"minf"])[b"stbl"])
    count = unpack_from(">I", table[b"stsz"], 8)[0]
    sizes = unpack_from(f">{count}I", table[b"stsz"], 12)
    assert count == 2 * FRAMES
    assert sum(sizes) == len(file[b"mdat"])


def test_video_has_a_picture_at_least() -> None:
    assert len(make_video(ImageSize(16, 16), 0, "x")) < len(make_video(ImageSize(16, 16), 1, "x"))
