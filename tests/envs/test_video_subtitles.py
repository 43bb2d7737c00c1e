"""Subtitle files as they are found, and what is on the screen at some times."""

from __future__ import annotations

import pytest

from assay.envs.video_keyframes.subtitles import Subtitle, SubtitleError, lines_at, parse_srt, read_srt

PLAIN = "1\n00:00:01,000 --> 00:00:02,500\nHello\nthere\n\n2\n01:00:00,250 --> 01:00:03,000\nLater\n"
ENTRIES = [Subtitle(1.0, 2.5, "Hello there"), Subtitle(3600.25, 3603.0, "Later")]


@pytest.mark.parametrize(
    "text",
    [
        PLAIN, PLAIN.replace("\n", "\r\n"), PLAIN.replace("\n", "\r"), PLAIN.replace(",", "."), "\n\n" + PLAIN,
        PLAIN.replace("1\n00", "00"), PLAIN.replace("\n\n2\n", "\n2\n\n", 1).replace("\n\n01", "\n\n9\n01"),
        PLAIN.replace("Hello", '<font color="white" size=".72c">Hello</font>'), PLAIN.replace("Hello", "{\\an8}Hello"),
        PLAIN.replace("02,500\n", "02,500 X1:40 X2:600\n"), PLAIN.replace("Hello", " \x00Hello\x07 "),
    ],
)  # fmt: skip
def test_srt_as_it_comes(text):
    found = parse_srt(text)
    assert [(each.begin, each.end) for each in found] == [(1.0, 2.5), (3600.25, 3603.0)]
    assert found[1].text == "Later"
    assert found[0].text.removesuffix(" 2") == "Hello there"


def test_encodings(tmp_path):
    file = tmp_path / "a.srt"
    for data in (PLAIN.encode(), PLAIN.encode("utf-8-sig"), PLAIN.encode("utf-16")):
        file.write_bytes(data)
        assert read_srt(file) == ENTRIES
    file.write_bytes(PLAIN.replace("Later", "Caf\xe9").encode("latin-1"))
    assert read_srt(file)[1].text == "Caf\ufffd"


def test_what_is_left_out():
    text = (
        "1\n00:00:05,000 --> 00:00:04,000\nbackwards\n\n2\n00:00:05,000 --> 00:00:06,000\n\n\n"
        "3\n00:99:05,000 --> 00:00:06,000\nno time\n\n4\n00:00:07,000 --> 00:00:08,000\nkept\n\n"
        "5\n00:00:09,000 --> \ncut"
    )
    assert parse_srt(text) == [Subtitle(7.0, 8.0, "kept")]


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02", b"--> " * 100_000, b"<" * 1_000_000, b"1\n" * 500_000])
def test_no_subtitles_is_one_line(tmp_path, data):
    file = tmp_path / "a.srt"
    file.write_bytes(data)
    with pytest.raises(SubtitleError, match=r"a\.srt has no subtitles") as raised:
        read_srt(file)
    assert "\n" not in str(raised.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(SubtitleError, match="No such file"):
        read_srt(tmp_path / "none.srt")
    with pytest.raises(SubtitleError, match="directory"):
        read_srt(tmp_path)
    (tmp_path / "big.srt").write_bytes(b"x" * ((1 << 24) + 1))
    with pytest.raises(SubtitleError, match="16 MiB"):
        read_srt(tmp_path / "big.srt")


def test_a_line_without_end_is_cut():
    assert len(parse_srt("00:00:01,000 --> 00:00:02,000\n" + "word " * 100_000)[0].text) <= 2000
    assert parse_srt("00:00:01,000 --> 00:00:02,000\nx" + "<" * 100_000)[0].text.startswith("x")


def test_lines_at_the_edges():
    entries = [Subtitle(0.0, 1.0, "a"), Subtitle(1.0, 2.0, "b"), Subtitle(1.5, 9.0, "c"), Subtitle(20.0, 21.0, "d")]
    assert lines_at(entries, [0.0]) == ["a"]
    assert lines_at(entries, [1.0]) == ["b"]
    assert lines_at(entries, [8.999, 1.5, 1.6]) == ["b", "c"]
    assert lines_at(entries, [9.0, 15.0, 21.0]) == []
    assert lines_at(entries, []) == []
    assert lines_at([], [1.0]) == []
    assert lines_at(list(reversed(entries)), [30.0, 20.5, 0.5]) == ["a", "d"]
