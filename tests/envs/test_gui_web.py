"""The browser worker, the harvest and the source of pages. Skipped where there is no Playwright or Chromium."""

from __future__ import annotations

import io
import math
import os
import random
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import pytest
from PIL import Image

import assay.envs  # noqa: F401 - registers the ids
from assay.envs.gui_grounding.elements import inside, large_enough
from assay.envs.gui_grounding.options import Options
from assay.envs.gui_grounding.pictures import open_screenshot, references
from assay.envs.gui_grounding.sources import web
from assay.envs.gui_grounding.web.elements import elements_of, flow_of, painted
from assay.envs.gui_grounding.web.pages import KINDS, SCALES, VIEWS, draw_page
from assay.envs.gui_grounding.web.verbs import ICONS, VERBS, verb_named
from assay.envs.gui_grounding.web.worker import BrowserWorker
from assay.envs.gui_grounding.wording import leaks

DRAWN = "assay.envs.gui_grounding.web.render:drawn_page"


@pytest.fixture(scope="module")
def worker() -> Iterator[BrowserWorker]:
    with BrowserWorker() as made:
        try:
            made.call("assay.envs.gui_grounding.web.browser:version")
        except (ImportError, ValueError) as error:
            pytest.skip(str(error))
        yield made


def view_of(worker: BrowserWorker, body: str, scale: float = 1.0, scroll: float = 0.0, size: Any = (800, 600)) -> Any:
    """The harvest of a body, by the ids of its elements."""
    html = f"<!doctype html><body style='margin:0;font:16px sans-serif'>{body}</body>"
    view, blobs = worker.call(DRAWN, html=html, width=size[0], height=size[1], scale=scale, scroll=scroll)
    return {each["id"]: each for each in view["elements"]}, Image.open(io.BytesIO(blobs[0])).convert("RGB"), view


AT = "position:absolute;left:{}px;top:{}px;width:{}px;height:{}px"


def at(x: float, y: float, w: float = 90, h: float = 30) -> str:
    return AT.format(x, y, w, h)


def test_what_is_covered_clipped_hidden_disabled_or_tiny_is_no_target(worker: BrowserWorker) -> None:
    body = f"""
    <button id=plain style="{at(10, 10)}">Plain</button>
    <button id=gone disabled style="{at(110, 10)}">Gone</button>
    <div aria-disabled=true><a href=# id=grey style="{at(210, 10)}">Grey</a></div>
    <button id=under style="{at(10, 60)}">Under</button><div style="{at(10, 60)};background:#0004"></div>
    <button id=edge style="{at(110, 60)}">Edge</button><div style="{at(190, 60)};background:teal"></div>
    <button id=corner style="{at(310, 60)};border-radius:0">Corner</button>
    <div style="{at(385, 80)};background:teal"></div>
    <button id=glass style="{at(10, 110)}">Glass</button>
    <div style="{at(10, 110)};background:teal;pointer-events:none"></div>
    <button id=air style="{at(110, 110)}">Air</button><div style="{at(110, 110)};pointer-events:none"></div>
    <div style="{at(10, 160, 50, 30)};overflow:hidden"><button id=clipped style="{at(0, 0)}">Clipped</button></div>
    <button id=tiny style="{at(110, 160, 3, 30)};padding:0;border:0"></button>
    <button id=ghost style="{at(210, 160)};opacity:0">Ghost</button>
    <button id=invisible style="{at(310, 160)};visibility:hidden">No</button>
    <button id=out style="{at(760, 160)}">Out</button>
    <a href=# id=empty style="{at(410, 160)}"></a>
    <div id=card role=button style="{at(10, 210, 200, 80)}">Card
      <button id=inner style="{at(60, 20)}">Inner</button></div>
    <div onclick="x()" id=handler style="{at(260, 210)}">Handler</div>
    <div id=pointer style="{at(360, 210)};cursor:pointer">Pointer</div>
    <p id=text style="{at(460, 210)}">Only text</p>
    <p style="{at(10, 310, 120, 60)}">Some words and <a href=# id=wrapped>a link that is wrapped</a> here</p>
    <div style="position:absolute;left:260px;top:310px;width:200px;height:80px">
      <a href=# id=stretched>Stretched</a><style>#stretched::after{{content:"";position:absolute;inset:0}}</style></div>
    """
    found, _, _ = view_of(worker, body)
    why = {name: each["why"] for name, each in found.items()}
    assert {name for name, reason in why.items() if not reason} == {"plain", "air", "inner", "handler", "pointer"}
    assert why["gone"] == why["grey"] == "disabled"
    assert {why[name] for name in ("under", "edge", "corner", "glass", "clipped")} == {"covered or clipped"}
    assert (why["tiny"], why["out"], why["card"]) == (
        "smaller than 4 px",
        "cut off by the edge",
        "holds other controls",
    )
    assert (why["empty"], why["wrapped"]) == ("nothing to see there", "in several pieces")
    assert why["stretched"] == "its box is not all of it"
    assert "ghost" not in found
    assert "invisible" not in found
    assert "text" not in found


def test_names_roles_and_labels_are_those_of_the_browser(worker: BrowserWorker) -> None:
    body = """
    <button id=a aria-label="Close the window">×</button> <a href=# id=b><img alt="Our logo" width=20 height=20></a>
    <label for=c>Street</label> <input id=c placeholder="Main Street">
    <label id=l>Remember me <input type=checkbox id=d></label>
    <span id=t>Dark theme</span><button id=e role=switch aria-labelledby=t aria-checked=true></button>
    <select id=f aria-label=Colour><option>Red<option selected>Blue</select>
    <fieldset><legend>Payment</legend><button id=g>Pay</button></fieldset>
    <table><caption>Orders</caption><thead><tr><th>Who<th>What<tbody><tr><td>Ana<td><button id=h>Open</button></table>
    """
    found, _, view = view_of(worker, body)
    elements = {raw["id"]: each for raw, each in zip(view["elements"], elements_of(view, 1.0), strict=True)}
    assert {name: each["role"] for name, each in found.items() if name in "abcdef"} == {
        "a": "button", "b": "link", "c": "textbox", "d": "checkbox", "e": "switch", "f": "combobox",
    }  # fmt: skip
    assert found["a"]["name"] == "Close the window"
    assert found["b"]["name"] == "Our logo"
    assert (elements["a"].name, elements["a"].label) == ("", "Close the window")
    assert (elements["c"].role, elements["c"].name, elements["c"].label) == ("field", "Main Street", "Street")
    assert (elements["d"].role, elements["d"].name) == ("checkbox", "Remember me")
    assert (elements["e"].role, elements["e"].label) == ("switch", "Dark theme")
    assert (elements["f"].role, elements["f"].name) == ("drop-down list", "Blue")
    assert elements["g"].path == "Payment"
    assert (elements["h"].path, elements["h"].row, elements["h"].column) == ("Orders", "Ana", "What")


def test_a_tick_box_is_as_large_as_the_label_around_it(worker: BrowserWorker) -> None:
    body = f"<label style='{at(20, 20, 150, 24)}'><input type=checkbox id=a>Yes</label><p style='{at(20, 80)}'>\
<input type=checkbox id=b></p>"
    found, _, _ = view_of(worker, body)
    assert found["a"]["box"] == [20, 20, 170, 44]
    assert found["b"]["box"][2] - found["b"]["box"][0] < 20


def test_shadow_roots_and_frames_are_looked_into(worker: BrowserWorker) -> None:
    inner = "<body style='margin:0'><button id=framed style='margin:7px'>Framed</button>"
    body = f"""<div style="{at(30, 40, 300, 60)}"><template shadowrootmode=open><button id=deep>Deep</button>
    <slot></slot></template><button id=light>Light</button></div>
    <iframe style="{at(100, 200, 300, 100)};border:3px solid;padding:5px" srcdoc="{inner}"></iframe>
    <iframe style="{at(100, 350, 300, 100)};transform:scale(.5)" srcdoc="<button id=turned>Turned</button>"></iframe>"""
    found, picture, _ = view_of(worker, body)
    assert {name: each["why"] for name, each in found.items()} == {"deep": "", "light": "", "framed": ""}
    assert found["deep"]["name"] == "Deep"
    assert found["framed"]["name"] == "Framed"
    assert found["framed"]["box"][:2] == [100 + 3 + 5 + 7, 200 + 3 + 5 + 7]
    assert picture.size == (800, 600)


def alone(html: str, identity: str) -> str:
    """The page with one element in magenta and nothing else to be seen."""
    style = (
        "*,*::before,*::after{visibility:hidden!important;opacity:1!important}html,body{background:#fff!important}"
        f"#{identity},label:has(#{identity}){{visibility:visible!important;background:#f0f!important;color:#f0f!important;"
        "border-color:#f0f!important;border-radius:0!important;box-shadow:none!important;outline:0!important;"
        "text-decoration-color:#f0f!important}"
        f"input[type=checkbox]#{identity}{{appearance:none!important}}"
    )
    return html.replace("</head>", f"<style>{style}</style></head>")


def magenta(blob: bytes) -> tuple[int, int, int, int] | None:
    """Bounding box of the magenta pixels, last ones included."""
    red, green, blue = Image.open(io.BytesIO(blob)).convert("RGB").split()
    strong = [
        red.point(lambda v: 255 * (v > 200)),
        green.point(lambda v: 255 * (v < 60)),
        blue.point(lambda v: 255 * (v > 200)),
    ]
    from PIL import ImageChops

    box = ImageChops.multiply(ImageChops.multiply(strong[0], strong[1]), strong[2]).getbbox()
    return None if box is None else (box[0], box[1], box[2] - 1, box[3] - 1)


def disagreements(worker: BrowserWorker, kind: str, seed: int, most: int) -> tuple[int, list[str]]:
    """How many targets of a page were drawn alone, and where their pixels are not their boxes."""
    page = draw_page(kind, seed, bool(seed % 2))
    where = {"width": page.width, "height": page.height, "scale": page.scale, "scroll": page.scroll}
    view, blobs = worker.call(DRAWN, html=page.html, **where)
    size = Image.open(io.BytesIO(blobs[0])).size
    targets = [each for each in view["elements"] if not each["why"] and not each["off"] and each["type"] != "range"]
    chosen = random.Random(seed).sample(targets, min(most, len(targets)))
    wrong = []
    for each in chosen:
        _, alones = worker.call(DRAWN, html=alone(page.html, each["id"]), harvest=False, **where)
        box, seen = painted(each["box"], page.scale, size), magenta(alones[0])
        slack = math.ceil(page.scale)  # one CSS pixel: the background of text is painted on whole ones
        if seen is None or max(abs(a - b) for a, b in zip(box, seen, strict=True)) > slack:
            wrong.append(f"{kind} {seed} {each['tag']} {each['text']!r}: {box} but {seen}")
    return len(chosen), wrong


def test_boxes_are_where_the_pixels_are(worker: BrowserWorker) -> None:
    checked, wrong = 0, []
    for seed, kind in enumerate(("shop", "table", "checkout", "booking")):
        count, found = disagreements(worker, kind, seed, 4)
        checked, wrong = checked + count, wrong + found
    assert checked >= 12
    assert wrong == []


@pytest.mark.slow
def test_boxes_are_where_the_pixels_are_on_many_pages(worker: BrowserWorker) -> None:
    checked, wrong = 0, []
    for seed in range(5):
        for kind in KINDS:
            count, found = disagreements(worker, kind, seed, 6)
            checked, wrong = checked + count, wrong + found
    assert checked >= 200
    assert wrong == []


def test_boxes_scale_with_the_device(worker: BrowserWorker) -> None:
    rng = random.Random(0)
    places = [(rng.uniform(0, 600) + 90 * (i % 2), 50 * i + rng.random() * 9) for i in range(10)]
    body = "".join(f'<button id=b{i} style="{at(x, y, 80.5, 25.25)}">B{i}</button>' for i, (x, y) in enumerate(places))
    for scale in SCALES:
        found, picture, view = view_of(worker, body, scale)
        assert picture.size == (800 * scale, 600 * scale)
        elements = {each.name: each for each in elements_of(view, scale) if each.target}
        assert len(elements) == len(found) == 10
        for i, (x, y) in enumerate(places):
            expected = (x * scale, y * scale, (x + 80.5) * scale - 1, (y + 25.25) * scale - 1)
            assert all(abs(a - b) <= 0.6 for a, b in zip(elements[f"B{i}"].box, expected, strict=True))


def test_a_page_that_is_scrolled(worker: BrowserWorker) -> None:
    body = f"""<div style="height:3000px"></div>
    <button id=end style="{at(50, 2500)};background:rgb(1,200,3)">End</button>
    <button id=top style="{at(50, 20)}">Top</button>"""
    found, picture, view = view_of(worker, body, scroll=1.0)
    assert view["scroll"] == [0, 2400]
    assert found["end"]["box"] == [50, 100, 140, 130]
    assert picture.getpixel((55, 105)) == (1, 200, 3)
    assert found["top"]["off"]


def test_screens_do_not_depend_on_the_process_or_on_what_was_drawn_before(worker: BrowserWorker) -> None:
    draw = "assay.envs.gui_grounding.web.draws:draw_screen"
    given = {
        "seed": 4, "split": "train", "count": 4, "apps": list(KINDS), "kinds": ["literal", "functional", "spatial"],
        "hard": "mixed", "test_share": 0.2, "dev_share": 0.0,
    }  # fmt: skip
    first = [worker.call(draw, number=number, **given)[0] for number in (0, 1, 2)]
    assert len({each["layout"] for each in first}) == 3
    with BrowserWorker() as other:
        assert other.call(draw, number=2, **given)[0] == first[2]
        one = {"kind": first[1]["kind"], "seed": first[1]["seed"], "hard": first[1]["hard"]}
        pictures = [each.call("assay.envs.gui_grounding.web.draws:render", **one)[1][0] for each in (worker, other)]
    assert Image.open(io.BytesIO(pictures[0])).tobytes() == Image.open(io.BytesIO(pictures[1])).tobytes()


def test_the_environment_on_pages(worker: BrowserWorker) -> None:
    env: Any = gym.make("gui-grounding-v0", source="web", count=8, seed=2).unwrapped
    assert len(env.tasks) == len(set(env.tasks.ids)) == 8
    for task in env.tasks:
        box, size = task.truth["box"], tuple(task.truth["size"])
        assert inside(box, size)
        assert large_enough(box)
        assert open_screenshot(references(task)[0]).size == size
        observation, _ = env.reset(seed=0, options={"task_id": task.id})
        assert observation["images"][0].size == tuple(task.meta["shown"])
        assert env.step(env.gold(task))[1] == 2.0
    test = web.tasks(Options(source="web", count=8, seed=2, split="test"), "test")
    assert not set(test.ids) & set(env.tasks.ids)
    assert not {references(task)[0] for task in test} & {references(task)[0] for task in env.tasks}


def test_filters_and_their_mistakes(worker: BrowserWorker) -> None:
    chosen = web.tasks(Options(source="web", count=4, apps=("forum",), kinds=("functional",), hard="only"), "train")
    assert {(each.meta["app"], each.meta["kind"], each.meta["hard"]) for each in chosen} == {
        ("forum", "functional", True)
    }
    with pytest.raises(ValueError, match="source web has no apps mail; it has shop, article"):
        web.tasks(Options(source="web", apps=("mail",)), "train")
    with pytest.raises(ValueError, match="the test split of web is empty"):
        web.tasks(Options(source="web", test_share=0.0), "test")
    with pytest.raises(ValueError, match="no reference of the web source"):
        web.screenshot("shop:x:plain")


@pytest.mark.slow
def test_hundreds_of_clicks_arrive_where_the_tasks_say(worker: BrowserWorker) -> None:
    """A real mouse, and the events as the page gets them: nothing of the harvest is used."""
    from playwright.sync_api import sync_playwright

    from assay.envs.gui_grounding.web import browser

    listen = """() => { window.hits = []; addEventListener('click', (e) => e.preventDefault(), true)
        addEventListener('mousedown', (e) => {
        e.preventDefault(); window.hits.push(e.composedPath().filter((n) => n.id).map((n) => n.id).concat(
        e.composedPath().filter((n) => n.localName === 'label' && n.control).map((n) => n.control.id))) }, true) }"""
    tasks, wrong, rng = 0, [], random.Random(0)
    program = next((path for path in map(browser.shutil.which, browser.PROGRAMS) if path), None)
    with sync_playwright() as playwright:
        engine = playwright.chromium.launch(executable_path=program, chromium_sandbox=os.geteuid() != 0)
        for seed in range(90):
            page = draw_page(rng.choice(tuple(KINDS)), seed, bool(seed % 2))
            where = {"width": page.width, "height": page.height}
            view, _ = worker.call(DRAWN, html=page.html, scale=page.scale, scroll=page.scroll, picture=False, **where)
            elements = elements_of(view, page.scale, page.notes)
            raws = {"/".join(map(str, raw["path"])): raw for raw in view["elements"]}
            targets = [each for each in elements if each.target]
            context = engine.new_context(viewport=where, device_scale_factor=page.scale)
            other = context.new_page()
            other.set_content(page.html)
            other.evaluate("y => scrollTo(0, y)", view["scroll"][1])
            other.evaluate(listen)
            for each in rng.sample(targets, min(5, len(targets))):
                tasks += 1
                x1, y1, x2, y2 = each.box
                points = [(rng.uniform(0.12, 0.88), rng.uniform(0.12, 0.88)) for _ in range(4)] + [(0.5, 0.5)]
                other.evaluate("() => { window.hits = [] }")
                for u, v in points:
                    other.mouse.move((x1 + u * (x2 - x1)) / page.scale, (y1 + v * (y2 - y1)) / page.scale)
                    other.mouse.down()
                    other.mouse.up()
                hits = other.evaluate("window.hits")
                identity = raws[each.key]["id"]
                if len(hits) != 5 or not all(identity in hit for hit in hits):
                    wrong.append((page.kind, seed, each.name, each.role, hits))
            context.close()
        engine.close()
    assert tasks >= 300
    assert wrong == []


def test_pages_are_drawn_alike_and_hold_together() -> None:
    assert len(KINDS) >= 6
    for kind in KINDS:
        assert draw_page(kind, 3, True) == draw_page(kind, 3, True)
        states = {draw_page(kind, seed).state for seed in range(30)}
        assert len(states) == 30
    assert all(float(side * scale).is_integer() for view in VIEWS for side in view for scale in SCALES)
    assert {draw_page("shop", seed).scale for seed in range(60)} == set(SCALES)
    page = draw_page("table", 1)
    assert all(f'id="{identity}"' in page.html for identity in page.notes)
    assert "<script" not in page.html
    assert "http" not in page.html


def test_purposes_give_no_label_away() -> None:
    for meaning, verb in VERBS.items():
        assert not verb.icon or verb.icon in ICONS, meaning
        assert all(near in VERBS for near in verb.near), meaning
        for about in verb.abouts:
            assert not any(leaks(about, name) for name in verb.names), (meaning, about)
    assert verb_named("Sign in")[0] == "login"  # type: ignore[index]
    assert verb_named("Frobnicate") is None


def test_boxes_of_whole_pixels() -> None:
    assert painted([10.3, 20.6, 110.3, 50.6], 1.0, (800, 600)) == (10, 21, 109, 50)
    assert painted([10.3, 20.6, 110.3, 50.6], 2.0, (1600, 1200)) == (21, 41, 220, 100)
    assert painted([790, 590, 800, 600], 1.0, (800, 600)) == (790, 590, 799, 599)
    assert flow_of([(0, 0, 9, 9), (20, 1, 29, 10)]) == "row"
    assert flow_of([(0, 0, 9, 9), (1, 20, 29, 30)]) == "column"
    assert flow_of([(0, 0, 9, 9), (20, 20, 29, 30)]) == ""
