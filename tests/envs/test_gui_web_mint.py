"""``assay-mint gui`` on files, on a local web server, and on what cannot be minted."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from PIL import Image

import assay.envs  # noqa: F401 - registers the ids
from assay.envs.gui_grounding.mint import main
from assay.envs.gui_grounding.mint.pages import is_flat
from assay.envs.gui_grounding.records import read_records
from assay.envs.gui_grounding.web.worker import BrowserWorker
from assay.envs.mint import main as mint
from assay.envs.mint import minters

PAGE = """<!doctype html><html><head><title>Corner shop</title><link rel="stylesheet" href="style.css"></head><body>
<nav><a href="#a">Home</a> <a href="#b">Offers</a> <a href="#c">Contact us</a></nav>
<label>Your name <input placeholder="Ada"></label> <button>Save</button> <button>Save as</button>
<button aria-label="Search"><svg width="20" height="20"><circle cx="9" cy="9" r="7"/></svg></button>
<div style="height:1500px"></div><button>At the end</button><div id="made"></div>
<script>document.getElementById('made').innerHTML = '<button>Made by a script</button>'; PROBE</script></body></html>"""
STYLE = "button{background:rgb(10,120,40);color:white;border:0;padding:9px}"


@pytest.fixture(scope="module")
def chromium() -> None:
    with BrowserWorker() as worker:
        try:
            worker.call("assay.envs.gui_grounding.web.browser:version")
        except (ImportError, ValueError) as error:
            pytest.skip(str(error))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """A local web server: its address, its folder, the paths it was asked for."""
    folder, asked = tmp_path / "site", list[str]()
    folder.mkdir()
    (folder / "page.html").write_text(PAGE)
    (folder / "style.css").write_text(STYLE)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", folder, asked
    server.shutdown()
    server.server_close()
    thread.join()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / "tasks.jsonl").read_text().splitlines()]


def test_a_page_from_a_server_becomes_tasks(site: Any, chromium: None, tmp_path: Path, capsys: Any) -> None:
    address, folder, asked = site
    (tmp_path / "secret.html").write_text("<button>Secret</button>")
    (folder / "page.html").write_text(
        PAGE.replace("<nav>", f'<iframe src="file://{tmp_path}/secret.html"></iframe><nav>')
    )
    out = tmp_path / "tasks"
    words = ["gui", "--url", f"{address}/page.html", "--out", str(out), "--scale", "1", "2", "--limit", "24"]
    assert mint([*words, "--size", "800x600"]) == 0
    said = capsys.readouterr().out
    records = read_records(out)
    assert said.startswith(f"{len(records)} tasks in {out}")
    assert "/style.css" in asked
    assert len(records) >= 10
    assert {record.size for record in records} == {(800, 600), (1600, 1200)}
    assert {record.source["title"] for record in records} == {"Corner shop"}
    assert {record.truth_from for record in records} == {"DOM and accessibility tree"}
    assert {record.kind for record in records} >= {"literal", "spatial"}
    for record in records:
        if record.role == "button":
            x1, y1, x2, _ = (int(edge) for edge in record.box or ())
            with Image.open(out / record.image) as picture:
                assert picture.getpixel(((x1 + x2) // 2, y1 + 3)) == (10, 120, 40)
    assert any("At the end" in record.instruction for record in records), "below the first screen"
    assert not any("Secret" in record.instruction for record in records), "a page of the web opens no file"
    assert "| reason | elements |" in (out / "report.md").read_text()
    assert not list(tmp_path.glob(".*"))
    env: Any = gym.make("gui-grounding-v0", source="jsonl", path=str(out), test_share=0.0).unwrapped
    assert len(env.tasks) == len(records)
    for task in env.tasks:
        env.reset(seed=0, options={"task_id": task.id})
        assert env.step(env.gold(task))[1] == 2.0


def test_minting_twice_gives_the_same(site: Any, chromium: None, tmp_path: Path) -> None:
    _, folder, _ = site
    for name in ("one", "two"):
        assert (
            main(["--html", str(folder / "page.html"), "--out", str(tmp_path / name), "--limit", "8", "--screens", "1"])
            == 0
        )
    assert (tmp_path / "one/tasks.jsonl").read_text() == (tmp_path / "two/tasks.jsonl").read_text()


def test_a_file_sees_its_folder_and_nothing_else(site: Any, chromium: None, tmp_path: Path) -> None:
    address, folder, asked = site
    (tmp_path / "secret.css").write_text("button{background:red}")
    probe = f"""fetch('{address}/leak'); new WebSocket('{address.replace("http", "ws")}/leak')
    new Image().src='{address}/leak'
    for (const path of ['../secret.css', '..%2fsecret.css', 'file://{tmp_path}/secret.css', '/etc/hostname'])
      fetch(path).then((r) => {{ if (r.ok) document.title = 'LEAK ' + path }}).catch(() => 0)"""
    (folder / "page.html").write_text(PAGE.replace("PROBE", probe))
    out = tmp_path / "tasks"
    assert main(["--html", str(folder / "page.html"), "--out", str(out), "--limit", "6", "--screens", "1"]) == 0
    assert {line["source"]["title"] for line in lines(out)} == {"Corner shop"}
    assert {line["source"]["file"] for line in lines(out)} == {"page.html"}
    assert asked == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--url", "ftp://example.org/x"], "--url takes an address that begins with http:// or https://"),
        (["--url", "file:///etc/passwd"], "--url takes an address that begins with http:// or https://"),
        (["--html", "no/such.html"], "no such file: no/such.html"),
        (["--html", __file__, "--size", "big"], "--size is WIDTHxHEIGHT"),
        (["--html", __file__, "--scale", "0"], "--scale takes numbers from 0.5 to 4"),
        (["--html", __file__, "--scale", "1.5", "--size", "801x600"], "no whole number of pixels"),
        (["--html", __file__, "--limit", "0"], "--limit must be at least 1"),
        (["--html", __file__, "--seconds", "-1"], "--seconds must be above 0"),
    ],
)
def test_wrong_calls_are_one_line(words: list[str], said: str, tmp_path: Path, capsys: Any) -> None:
    assert main([*words, "--out", str(tmp_path / "tasks")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_an_output_that_is_there_is_left_alone(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["--html", __file__, "--out", str(tmp_path)]) == 2
    assert "exists and is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_pages_that_give_nothing_are_one_line(site: Any, chromium: None, tmp_path: Path, capfd: Any) -> None:
    address, folder, _ = site
    (folder / "empty.html").write_text("<p>Only words, and <button disabled>No</button>")
    (folder / "busy.html").write_text(
        "<button>Go</button><script>addEventListener('load', () => { for (;;) {} })</script>"
    )
    cases = {
        "http://127.0.0.1:9/": "cannot be reached (net::ERR_",
        f"{address}/missing.html": "the server answered 404",
        f"{address}/empty.html": "no element of the page can be clicked; it has 1 elements, 1 disabled",
    }
    assert main(["--url", *cases, "--out", str(tmp_path / "tasks"), "--seconds", "10"]) == 1
    error = capfd.readouterr().err
    assert error.count("\n") == len(cases)
    for line, (url, said) in zip(error.splitlines(), cases.items(), strict=True):
        assert f"assay-mint gui: {url}: {said}" in line
    assert not list(tmp_path.glob("*tasks*"))
    assert not list(tmp_path.glob(".*"))


def test_a_page_that_hangs_is_given_up(site: Any, chromium: None, tmp_path: Path, capfd: Any, monkeypatch: Any) -> None:
    _, folder, _ = site
    (folder / "busy.html").write_text("<button>Go</button><script>setTimeout(() => { for (;;) {} }, 10)</script>")
    from assay.envs.gui_grounding.mint import pages

    monkeypatch.setattr(pages, "SPARE", 6.0)
    assert main(["--html", str(folder / "busy.html"), "--out", str(tmp_path / "tasks"), "--seconds", "2"]) == 2
    error = capfd.readouterr().err
    assert "busy.html" in error
    assert error.count("\n") == 1


def test_a_missing_browser_or_package_says_what_to_install(tmp_path: Path, capfd: Any, monkeypatch: Any) -> None:
    from assay.envs.gui_grounding.web import worker

    page = tmp_path / "page.html"
    page.write_text(PAGE)

    def absent() -> None:
        raise ImportError(worker.MISSING)

    monkeypatch.setattr(worker, "need_playwright", absent)
    assert main(["--html", str(page), "--out", str(tmp_path / "tasks")]) == 2
    assert "pip install 'assay[web]'" in capfd.readouterr().err


def test_without_chromium_one_line_says_how_to_get_it(tmp_path: Path, capfd: Any, monkeypatch: Any) -> None:
    pytest.importorskip("playwright")
    page = tmp_path / "page.html"
    page.write_text(PAGE)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "none"))
    assert main(["--html", str(page), "--out", str(tmp_path / "tasks")]) == 2
    error = capfd.readouterr().err
    assert "no Chromium on this machine: apt-get install chromium" in error
    assert error.count("\n") == 1


def test_a_run_that_was_stopped_goes_on(
    site: Any, chromium: None, tmp_path: Path, monkeypatch: Any, capfd: Any
) -> None:
    from assay.envs.gui_grounding.mint import cli

    _, folder, _ = site
    names = []
    for number in range(3):
        names.append(str(folder / f"page{number}.html"))
        Path(names[-1]).write_text(PAGE.replace("Offers", f"Offers {number}"))
    (folder / "empty.html").write_text("<p>Nothing")
    words = [
        "--html",
        *names,
        str(folder / "empty.html"),
        "--out",
        str(tmp_path / "tasks"),
        "--limit",
        "5",
        "--screens",
        "1",
    ]
    visited, real = [], cli.mint_page

    def stopping(worker: Any, address: str, *rest: Any) -> Any:
        if len(visited) == 2:
            visited.append(address)
            raise KeyboardInterrupt
        visited.append(address)
        return real(worker, address, *rest)

    monkeypatch.setattr(cli, "mint_page", stopping)
    assert main(words) == 130
    assert "interrupted after 2 of 4 inputs" in capfd.readouterr().err
    assert not (tmp_path / "tasks").exists()
    assert main(words) == 0
    assert visited == [*names, names[2], str(folder / "empty.html")]
    assert {line["source"]["app"] for line in lines(tmp_path / "tasks")} == {"page0.html", "page1.html", "page2.html"}
    report = (tmp_path / "tasks" / "report.md").read_text()
    assert "empty.html: no element of the page can be clicked" in report
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site", "tasks"]


def test_it_is_found_by_its_name() -> None:
    assert "gui" in {each.name for each in minters()}


def test_what_shows_nothing_is_flat() -> None:
    picture = Image.new("RGB", (60, 40), "white")
    assert is_flat(picture, (10, 10, 30, 20))
    picture.putpixel((32, 22), (250, 255, 255))
    assert not is_flat(picture, (10, 10, 30, 20))
    picture.putpixel((33, 10), (0, 0, 0))
    assert is_flat(picture, (10, 10, 29, 19))
