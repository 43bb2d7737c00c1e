"""The package index as pip sees it, and source archives from strangers: what is read, and what is refused."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.envs.swe_rl.mint import archives
from assay.envs.swe_rl.mint.archives import read_archive
from assay.envs.swe_rl.mint.errors import MintError
from assay.envs.swe_rl.mint.index import Index
from assay.envs.swe_rl.pyenvs.pip_settings import PipSettings, pip_settings


def sdist(version: str, name: str = "tiny") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        data = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
        member = tarfile.TarInfo(f"{name}-{version}/PKG-INFO")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


PAGES: dict[str, tuple[int, str, bytes]] = {}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, kind, body = PAGES.get(self.path, (404, "text/plain", b"no"))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "cache"))
    PAGES.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


def index(url: str, **options: str) -> Index:
    return Index(PipSettings({"index-url": f"{url}/simple", **options}, {}), timeout=10)


def json_page(*files: dict[str, object]) -> tuple[int, str, bytes]:
    return 200, "application/vnd.pypi.simple.v1+json", json.dumps({"files": files}).encode()


def entry(version: str, data: bytes, **more: object) -> dict[str, object]:
    return {
        "filename": f"tiny-{version}.tar.gz",
        "url": f"../../files/tiny-{version}.tar.gz",
        "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
        "upload-time": f"2024-0{version[-1]}-01T00:00:00.000Z",
        "requires-python": ">=3.8",
        **more,
    }


def test_json_index(server: str) -> None:
    data = sdist("1.2")
    wheel = {**entry("1.2", data), "filename": "tiny-1.2-py3-none-any.whl"}
    old, yanked, pre = (
        entry("1.1", data),
        entry("1.3", data, yanked="broken"),
        entry("1.4", data, filename="tiny-1.4rc1.tar.gz"),
    )
    PAGES["/simple/tiny/"] = json_page(entry("1.2", data), wheel, yanked, pre, old)
    PAGES["/files/tiny-1.2.tar.gz"] = 200, "application/gzip", data
    found = index(server).releases("Tiny")
    assert [each.version for each in found] == ["1.1", "1.2"]
    assert found[-1].python == ">=3.8"
    assert found[-1].uploaded == "2024-02-01T00:00:00"
    path, release = index(server).fetch(found[-1])
    assert path.read_bytes() == data
    PAGES.clear()  # the second time it comes from the cache
    assert index(server).fetch(release)[0] == path


def test_html_index_and_several_indexes(server: str, tmp_path: Path) -> None:
    data = sdist("0.9")
    digest = hashlib.sha256(data).hexdigest()
    folder = tmp_path / "local" / "simple" / "tiny"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(f'<a href="../../tiny-0.9.tar.gz#sha256={digest}">tiny-0.9.tar.gz</a>')
    (tmp_path / "local" / "tiny-0.9.tar.gz").write_bytes(data)
    page = '<a href="/f/tiny-1.0.tar.gz" data-requires-python="&gt;=3.9">x</a>'
    page += '<a data-yanked="" href="/f/tiny-1.1.tar.gz">y</a>'
    PAGES["/simple/tiny/"] = 200, "text/html", page.encode()
    found = index(server, **{"extra-index-url": (tmp_path / "local" / "simple").as_uri()}).releases("tiny")
    assert [(each.version, each.python) for each in found] == [("0.9", ""), ("1.0", ">=3.9")]
    assert index(server).fetch(found[0])[0].read_bytes() == data


def test_other_hash_is_refused_and_nothing_kept(server: str, tmp_path: Path) -> None:
    PAGES["/simple/tiny/"] = json_page(entry("1.2", b"what was listed"))
    PAGES["/files/tiny-1.2.tar.gz"] = 200, "application/gzip", sdist("1.2")
    with pytest.raises(MintError, match="not the file that the index lists"):
        index(server).fetch(index(server).releases("tiny")[0])
    assert not list((tmp_path / "cache").rglob("*.tar.gz"))


def test_plain_words_for_what_is_not_there(server: str) -> None:
    with pytest.raises(MintError, match="no package of this name"):
        index(server).releases("nothing")
    PAGES["/simple/tiny/"] = 200, "text/html", b'<a href="/f/tiny-1.0-py3-none-any.whl">w</a>'
    with pytest.raises(MintError, match="no source releases"):
        index(server).releases("tiny")
    PAGES["/simple/tiny/"] = 500, "text/html", b"oops"
    with pytest.raises(MintError, match="does not answer: HTTP 500"):
        index(server).releases("tiny")
    assert index(server, **{"no-index": "1"}).settings.index_urls() == []


@pytest.mark.parametrize("body", [b"{", b'{"files": 3}', b"[]", b'{"files": [{"filename": 3, "url": null}, 7]}'])
def test_malformed_answers_are_no_releases(server: str, body: bytes) -> None:
    PAGES["/simple/tiny/"] = 200, "application/vnd.pypi.simple.v1+json", body
    with pytest.raises(MintError):
        index(server).releases("tiny")


def test_file_names_cannot_leave_the_cache(server: str) -> None:
    PAGES["/simple/tiny/"] = json_page(entry("1.2", b"", filename="../../tiny-1.2.tar.gz"))
    with pytest.raises(MintError):
        index(server).releases("tiny")


def test_settings_are_those_of_pip(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    config = tmp_path / "pip.conf"
    config.write_text(
        f"[global]\nindex-url = https://one.invalid/simple\ncert = {bundle}\nquiet = 1\n[install]\n"
        f"find-links =\n    /nowhere\n    {tmp_path}\n"
    )
    env = {"PIP_CONFIG_FILE": str(config), "HOME": str(tmp_path), "PIP_INDEX_URL": "https://two.invalid/simple/",
           "PIP_DEFAULT_TIMEOUT": "7", "https_proxy": "http://proxy.invalid:3128", "SECRET": "x"}  # fmt: skip
    found = pip_settings({**env, "XDG_CONFIG_DIRS": str(tmp_path)})
    assert found.index_urls()[0] == "https://two.invalid/simple"
    assert found.certificate() == str(bundle)
    passed = found.environment()
    assert passed["PIP_INDEX_URL"] == "https://two.invalid/simple/"
    assert passed["PIP_TIMEOUT"] == "7"
    assert passed["https_proxy"] == "http://proxy.invalid:3128"
    assert "SECRET" not in passed
    assert "PIP_QUIET" not in passed
    assert str(tmp_path) in found.local_paths()
    assert "/nowhere" not in found.local_paths()


def make_tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member, data in members:
            member.size = len(data) if member.isfile() else 0
            tar.addfile(member, io.BytesIO(data))
    return path


def plain(name: str, mode: int = 0o644) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode = mode
    return member


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def test_archive_files(tmp_path: Path) -> None:
    tar = make_tar(
        tmp_path / "a-1.tar.gz",
        (plain("a-1/run.py", 0o755), b"run"),
        (plain("./a-1/b/c.txt"), b"c"),
        (special("a-1/link", tarfile.SYMTYPE, "/etc/passwd"), b""),
        (special("a-1/hard", tarfile.LNKTYPE, "a-1/run.py"), b""),
        (special("a-1/pipe", tarfile.FIFOTYPE), b""),
        (plain("a-1/.git/config"), b"[core]"),
    )
    found = read_archive(tar)
    assert {path: (entry.mode, entry.data) for path, entry in found.items()} == {
        "run.py": (0o100755, b"run"),
        "b/c.txt": (0o100644, b"c"),
    }


def test_zip_files(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a-1.zip", "w") as out:
        out.writestr("a-1/x.py", b"x")
        link = zipfile.ZipInfo("a-1/link")
        link.external_attr = 0o120777 << 16
        out.writestr(link, b"/etc/passwd")
    assert set(read_archive(tmp_path / "a-1.zip")) == {"x.py"}


@pytest.mark.parametrize("name", ["../evil.py", "/etc/evil.py", "a-1/../../evil.py", "a-1/..\\..\\evil.py"])
def test_ways_out_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(MintError, match="outside its folder"):
        read_archive(make_tar(tmp_path / "a-1.tar.gz", (plain("a-1/ok.py"), b""), (plain(name), b"x")))


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_BYTES", 1000)
    monkeypatch.setattr(archives, "MAX_FILES", 5)
    with pytest.raises(MintError, match="when unpacked"):
        read_archive(make_tar(tmp_path / "big-1.tar.gz", (plain("big-1/x"), b"0" * 1001)))
    with pytest.raises(MintError, match="when unpacked"):
        read_archive(make_tar(tmp_path / "many-1.tar.gz", *((plain(f"many-1/{i}"), b"") for i in range(6))))
    with zipfile.ZipFile(tmp_path / "z-1.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("z-1/x", b"0" * 2000)
    with pytest.raises(MintError, match="when unpacked"):
        read_archive(tmp_path / "z-1.zip")


@pytest.mark.parametrize("data", [b"", b"not an archive", gzip.compress(b"neither"), sdist("1")[:60]])
def test_damaged_archives(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a-1.tar.gz"
    path.write_bytes(data)
    with pytest.raises(MintError):
        read_archive(path)


def test_two_top_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MintError, match="2 top folders"):
        read_archive(make_tar(tmp_path / "a-1.tar.gz", (plain("a-1/x"), b""), (plain("b-1/x"), b"")))
