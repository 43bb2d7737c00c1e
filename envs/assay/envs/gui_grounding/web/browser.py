"""Inside the worker: the browsers, what they may reach, and pages opened in them."""

from __future__ import annotations

import mimetypes
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from assay.envs.gui_grounding.qt.frames import RefusedError

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
"""Browsers of the system, the first that there is; otherwise Playwright's own."""
HERE = "http://page.invalid/"
"""Where a local page seems to be; nothing answers there but its own folder."""
SETTLE = 3.0
"""Seconds that a page from the network gets to become quiet after it has loaded."""
_MOST_BYTES = 64 << 20
_QUIET = (
    "--disable-gpu",
    "--js-flags=--max-old-space-size=1024",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-features=PaintHolding,Translate,BackForwardCache",
)
_UNPLUGGED = (
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
)
_STILL = """() => {
  const css = '*, *::before, *::after { animation-duration: 0s !important; animation-delay: 0s !important;' +
    'transition: none !important; caret-color: transparent !important; scroll-behavior: auto !important }'
  const roots = [document], sheet = new CSSStyleSheet()
  sheet.replaceSync(css)
  for (const root of roots) {
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet]
    for (const el of root.querySelectorAll('*')) if (el.shadowRoot) roots.push(el.shadowRoot)
  }
  return document.fonts.ready.then(() => true)
}"""

_state: dict[Any, Any] = {}


def close_browsers() -> None:
    """Close what this process has started; returns when it is gone."""
    for key in [key for key in _state if key != "playwright"]:
        thing = _state.pop(key)
        if isinstance(key, str):
            thing.close()
    if "playwright" in _state:
        _state.pop("playwright").stop()


def browser(online: bool) -> Any:
    """The browser with or without a network, started once.

    Raises:
        RefusedError: one line; there is none, or it does not start.
    """
    name = "online" if online else "offline"
    if name in _state and _state[name].is_connected():
        return _state[name]
    from playwright.sync_api import Error, sync_playwright

    if "playwright" not in _state:
        _state["playwright"] = sync_playwright().start()
    found = next((path for path in map(shutil.which, PROGRAMS) if path), None)
    kind = _state["playwright"].chromium
    if found is None and not Path(kind.executable_path).exists():
        raise RefusedError(
            "no Chromium on this machine: apt-get install chromium (or your system's package), or playwright install "
            "chromium"
        )
    try:
        _state[name] = kind.launch(
            executable_path=found,
            headless=True,
            # Chromium's own sandbox does not work for root; there the page is as far from us as its process is.
            chromium_sandbox=os.geteuid() != 0,
            args=[*_QUIET, *(() if online else _UNPLUGGED)],
            handle_sigint=False,
        )
    except Error as error:
        raise RefusedError(f"{found or 'Chromium'} does not start: {_reason(error)}") from None
    return _state[name]


def blank_page(width: int, height: int, scale: float) -> Any:
    """A page without scripts and without network for HTML of our own, kept and used again; with its CDP session."""
    engine = browser(online=False)
    key = ("blank", scale)
    if key not in _state or _state[key][0].is_closed():
        context = _context(engine, width, height, scale, scripts=False)
        context.route("**/*", lambda route: route.abort())
        page = context.new_page()
        _state[key] = (page, session_of(page, width, height, scale))
    page, session = _state[key]
    if _state.get(("size", scale)) != (width, height):
        size_of_session(session, width, height, scale)
        _state[("size", scale)] = (width, height)
    return page, session


def session_of(page: Any, width: int, height: int, scale: float) -> Any:
    """A CDP session on a page."""
    session = page.context.new_cdp_session(page)
    size_of_session(session, width, height, scale)
    return session


def size_of_session(session: Any, width: int, height: int, scale: float) -> None:
    """Tell a session the size of the screen again: its pictures are in CSS pixels without."""
    size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
    session.send("Emulation.setDeviceMetricsOverride", size)


def open_url(url: str, width: int, height: int, scale: float, seconds: float) -> Any:
    """A new page on ``url``, loaded and still; with its CDP session.

    Raises:
        RefusedError: one line; it is not http(s) or cannot be reached.
    """
    if urlsplit(url).scheme.lower() not in ("http", "https"):
        raise RefusedError(f"{url}: only http and https pages can be minted (use --html for a file)")
    context = _context(browser(online=True), width, height, scale, scripts=True)
    context.route("**/*", _web_only)
    return _opened(context, url, url, seconds, SETTLE, scale)


def open_file(path: str, width: int, height: int, scale: float, seconds: float) -> Any:
    """A new page of an HTML file, which can reach the files of its own folder and nothing else; with its CDP session.

    Raises:
        RefusedError: one line; it cannot be read.
    """
    file = Path(path)
    context = _context(browser(online=False), width, height, scale, scripts=True)
    folder = file.resolve().parent
    context.route("**/*", lambda route: _from_folder(route, folder))
    return _opened(context, HERE + _quoted(file.resolve().name), path, seconds, 0.3, scale)


def _context(engine: Any, width: int, height: int, scale: float, scripts: bool) -> Any:
    return engine.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        java_script_enabled=scripts,
        accept_downloads=False,
        service_workers="block",
        reduced_motion="reduce",
        locale="en-US",
        timezone_id="UTC",
    )


def _opened(context: Any, address: str, name: str, seconds: float, settle: float, scale: float) -> Any:
    from playwright.sync_api import Error
    from playwright.sync_api import TimeoutError as TooLate

    page = context.new_page()
    context.on("page", lambda other: other.close() if other is not page else None)
    try:
        answer = page.goto(address, wait_until="load", timeout=1000 * seconds)
    except TooLate:
        context.close()
        raise RefusedError(f"{name}: did not load within {seconds:g} s") from None
    except Error as error:
        context.close()
        raise RefusedError(f"{name}: cannot be reached ({_reason(error)})") from None
    if answer is not None and answer.status >= 400:
        context.close()
        raise RefusedError(f"{name}: the server answered {answer.status} {answer.status_text}".rstrip())
    with suppress(TooLate):  # it never becomes quiet: what moves is left out later
        page.wait_for_load_state("networkidle", timeout=1000 * settle)
    session = session_of(page, page.viewport_size["width"], page.viewport_size["height"], scale)
    in_page(session, _STILL)
    page.wait_for_timeout(50)
    return page, session


def in_page(session: Any, function: str, argument: Any = None) -> Any:
    """Call a JavaScript function in a world of its own: the page's scripts can neither see nor change what it uses.

    Raises:
        RuntimeError: if it throws.
    """
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "assay"})
    answer = session.send(
        "Runtime.callFunctionOn",
        {
            "functionDeclaration": function,
            "executionContextId": world["executionContextId"],
            "arguments": [{"value": argument}],
            "returnByValue": True,
            "awaitPromise": True,
        },
    )
    if "exceptionDetails" in answer:
        details = answer["exceptionDetails"]
        raise RuntimeError(details.get("exception", {}).get("description", details.get("text", "")))
    return answer["result"].get("value")


def _web_only(route: Any) -> None:
    scheme = urlsplit(route.request.url).scheme.lower()
    if scheme in ("http", "https", "data", "blob"):
        route.continue_()
    else:
        route.abort()


def _from_folder(route: Any, folder: Path) -> None:
    url = route.request.url
    if url.startswith("data:"):
        route.continue_()
        return
    if not url.startswith(HERE):
        route.abort()
        return
    path = (folder / unquote(urlsplit(url).path).lstrip("/")).resolve()
    if not path.is_relative_to(folder) or not path.is_file() or path.stat().st_size > _MOST_BYTES:
        route.fulfill(status=404, body="")
        return
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    route.fulfill(status=200, body=path.read_bytes(), content_type=kind)


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name)


def _reason(error: Exception) -> str:
    """The telling line of one of Playwright's long messages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    for mark in ("net::", "sandbox", "error while loading", "FATAL", "ERROR"):
        for line in lines:
            if mark in line:
                return line.split(": ", 1)[-1][:200] if mark == "net::" else line[:200]
    return lines[0][:200] if lines else repr(error)


def version() -> str:
    """The version of the browser without a network.

    Raises:
        RefusedError: one line; there is none, or it does not start.
    """
    return str(browser(online=False).version)
