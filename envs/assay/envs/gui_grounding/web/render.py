"""Inside the worker: what stands on a page, and its picture. Called through :class:`~.worker.BrowserWorker`."""

from __future__ import annotations

import base64
from importlib.resources import files
from typing import Any

from assay.envs.gui_grounding.qt.frames import RefusedError
from assay.envs.gui_grounding.web import browser

LEAST = 4
"""Pixels of the screenshot below which a side is too small."""
_SCRIPT = files(__package__).joinpath("harvest.js").read_text(encoding="utf-8")
_MOVE = """(y) => { window.scrollTo(0, y); return new Promise((done) => requestAnimationFrame(() => done(scrollY))) }"""
_JUMP = """(share) => {
  const page = document.scrollingElement || document.documentElement
  window.scrollTo(0, Math.round(share * Math.max(0, page.scrollHeight - innerHeight)))
}"""
_SAME = 0.25


def drawn_page(
    html: str, width: int, height: int, scale: float, scroll: float = 0.0, harvest: bool = True, picture: bool = True
) -> tuple[dict[str, Any], list[bytes]]:
    """HTML of our own: what stands on it, scrolled down by a share of what there is, and a PNG of what is seen."""
    page, session = browser.blank_page(width, height, scale)
    page.set_content(html, wait_until="load", timeout=20_000)
    if scroll:
        browser.in_page(session, _JUMP, scroll)
    view = seen(session, scale) if harvest else {}
    return view, [photo(session)] if picture else []


def visited_page(
    address: str, online: bool, width: int, height: int, scale: float, positions: int, seconds: float
) -> tuple[list[dict[str, Any]], list[bytes]]:
    """A page of the user's at up to ``positions`` scroll positions, each with a PNG.

    What is not the same before and after the picture was taken is left out as "moving".

    Raises:
        RefusedError: one line; the page cannot be had.
    """
    opener = browser.open_url if online else browser.open_file
    page, session = opener(address, width, height, scale, seconds)
    views, pictures = [], []
    try:
        top = 0.0
        for _ in range(positions):
            at = browser.in_page(session, _MOVE, top)
            page.wait_for_timeout(60)
            before = seen(session, scale)
            picture = photo(session)
            still(before, seen(session, scale))
            views.append(before)
            pictures.append(picture)
            top = at + 0.85 * height
            if at + height >= before["full"][1] - 1:
                break
    except RuntimeError as error:
        raise RefusedError(f"{address}: cannot be read ({str(error).splitlines()[0]})") from None
    finally:
        page.context.close()
    return views, pictures


def seen(session: Any, scale: float) -> dict[str, Any]:
    """The harvest of the page as it stands: each element with role and name as the browser computes them."""
    view: dict[str, Any] = browser.in_page(session, _SCRIPT, {"least": LEAST / scale})
    root = session.send("DOM.getDocument", {"depth": -1, "pierce": True})["root"]
    names = _computed(session, root)
    for element in view["elements"]:
        node = _walk(root, element["path"])
        facts = names.get(node["backendNodeId"], {}) if node else {}
        element["role"], element["name"] = facts.get("role", ""), facts.get("name", "")
        if facts.get("disabled") and not element["why"]:
            element["why"] = "disabled"
    return view


def still(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Mark as "moving" what is no longer where it was."""
    later = {str(each["path"]): each for each in after["elements"]}
    shifted = before["scroll"] != after["scroll"]
    for element in before["elements"]:
        again = later.get(str(element["path"]))
        same = again is not None and again["why"] == element["why"] and again["text"] == element["text"]
        if shifted or again is None or not same or _moved(element["box"], again["box"]):
            element["why"] = element["why"] or "moving"


def _moved(before: list[float], after: list[float]) -> bool:
    return any(abs(a - b) > _SAME for a, b in zip(before, after, strict=True))


def photo(session: Any) -> bytes:
    """A PNG of the viewport in device pixels."""
    data = session.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True})["data"]
    return base64.b64decode(data)


def _computed(session: Any, root: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Role, name and whether disabled, from the accessibility tree, by DOM node."""
    found: dict[int, dict[str, Any]] = {}
    for frame in [None, *_frames(root)]:
        nodes = session.send("Accessibility.getFullAXTree", {"frameId": frame} if frame else {})["nodes"]
        for node in nodes:
            if node.get("ignored") or "backendDOMNodeId" not in node:
                continue
            facts = {key: node.get(key, {}).get("value", "") for key in ("role", "name")}
            properties = {each["name"]: each["value"].get("value") for each in node.get("properties", [])}
            found[node["backendDOMNodeId"]] = facts | {"disabled": bool(properties.get("disabled"))}
    return found


def _frames(node: dict[str, Any]) -> list[str]:
    """Ids of the frames of the same process below a DOM node."""
    found = []
    stack = [node]
    while stack:
        at = stack.pop()
        if "contentDocument" in at:
            found.append(at["frameId"])
            stack.append(at["contentDocument"])
        stack.extend(at.get("children", []))
        stack.extend(at.get("shadowRoots", []))
    return found


def _walk(root: dict[str, Any], path: list[Any]) -> dict[str, Any] | None:
    """The DOM node that a harvest's path leads to: indices of child elements, "s" a shadow root, "f" a frame."""
    at: dict[str, Any] | None = _elements(root)[0] if _elements(root) else None
    for step in path:
        if at is None:
            return None
        if step == "s":
            at = next((each for each in at.get("shadowRoots", []) if each.get("shadowRootType") == "open"), None)
        elif step == "f":
            inner = _elements(at.get("contentDocument", {}))
            at = inner[0] if inner else None
        else:
            below = _elements(at)
            at = below[step] if step < len(below) else None
    return at


def _elements(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in node.get("children", []) if each.get("nodeType") == 1]
