import struct
import tracemalloc

import pytest

from assay.envs.video_keyframes import boxes
from assay.envs.video_keyframes.container import VideoError
from assay.envs.video_keyframes.decode import probe


def box(kind, body=b""):
    return struct.pack(">I4s", 8 + len(body), kind) + body


def within(body, *kinds):
    for kind in reversed(kinds):
        body = box(kind, body)
    return body


def table(*parts):
    return within(b"".join(parts), b"moov", b"trak", b"mdia", b"minf", b"stbl")


def sizes(count, each=0):
    return box(b"stsz", struct.pack(">III", 0, each, count))


def edits(count):
    return within(struct.pack(">II", 0, count), b"moov", b"trak", b"edts", b"elst")


FTYP = box(b"ftyp", b"isom" + bytes(4))


def problem(tmp_path, data):
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    return boxes.problem(path)


def test_believable_headers_pass(tmp_path):
    assert problem(tmp_path, FTYP + table(sizes(250)) + edits(1) + box(b"mdat", bytes(9000))) == ""
    hour_of_plain_sound = 48_000 * 3600
    path = tmp_path / "pcm.mov"
    with path.open("wb") as file:
        file.write(FTYP + table(sizes(hour_of_plain_sound, 1)) + edits(3))
        file.write(struct.pack(">I4sQ", 1, b"mdat", 16 + 4 * hour_of_plain_sound))
        file.truncate(file.tell() + 4 * hour_of_plain_sound)  # holes: no bytes on the disk
    assert boxes.problem(path) == ""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (table(sizes(100_000_000)), "claims 100,000,000 samples in"),
        (table(sizes(100_000_000, 1)), "claims 100,000,000 samples in"),
        (within(struct.pack(">II", 0, 60_000_000), b"moof", b"traf", b"trun"), "claims 60,000,000 samples in"),
        (table(sizes(900_000)) + edits(5000), "claims 900,000 samples and 5,000 edits"),
        (within(b"", b"moov", b"cmov"), "is compressed"),
        (box(b"free", table(sizes(2**32 - 1))), "claims 4,294,967,295 samples in"),
    ],
)
def test_claims_that_would_fill_memory_are_refused(tmp_path, data, words):
    assert words in problem(tmp_path, FTYP + data)
    with pytest.raises(VideoError, match=words) as caught:
        probe(tmp_path / "a.mp4")
    assert "\n" not in str(caught.value)


def test_many_boxes_and_deep_ones_end(tmp_path, monkeypatch):
    assert problem(tmp_path, within(sizes(2**31), *[b"moov"] * 500)) == ""  # deeper than is looked
    monkeypatch.setattr(boxes, "MAX_BOXES", 50)
    assert "more than 50 boxes" in problem(tmp_path, box(b"free") * 60)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x1a\x45\xdf\xa3" * 30, b"RIFF" + bytes(40), bytes(200), b"\0\0\0\x01moov", b"\0\0\0\x01moov" + bytes(8),
     FTYP + table(sizes(7))[:-6], b"\xff\xff\xff\xffmoov" + sizes(9)],
)  # fmt: skip
def test_what_is_no_mp4_or_is_cut_off_passes(tmp_path, data):
    tracemalloc.start()
    try:
        assert problem(tmp_path, data) == ""
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
