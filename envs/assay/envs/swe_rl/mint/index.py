"""A package index: which source releases there are, and their files, by the user's own pip settings."""

from __future__ import annotations

import hashlib
import html
import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from packaging.version import InvalidVersion, Version

from assay.envs.swe_rl.mint.errors import MintError
from assay.envs.swe_rl.pyenvs.cache import cache_root
from assay.envs.swe_rl.pyenvs.environment import canonical
from assay.envs.swe_rl.pyenvs.pip_settings import PipSettings, pip_settings

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.6, text/html;q=0.3"
PAGE_BYTES = 64 * 2**20
FILE_BYTES = 64 * 2**20
ARCHIVES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")


@dataclass(frozen=True, slots=True)
class Release:
    """One source release.

    Attributes:
        name: of the distribution, normalised.
        version: as the file names it.
        file: the archive's name.
        url: where it lies. Never written into a record: it may name a private machine.
        sha256: of the archive; empty where the index does not say (then only the download's own hash is recorded).
        python: its ``Requires-Python``; empty: none stated.
        uploaded: ``YYYY-MM-DDTHH:MM:SS``; empty where the index does not say.
    """

    name: str
    version: str
    file: str
    url: str
    sha256: str = ""
    python: str = ""
    uploaded: str = ""

    @property
    def order(self) -> Version:
        """For sorting."""
        return Version(self.version)


class Index:
    """The indexes that pip would ask, asked through the standard library.

    Args:
        settings: whose indexes, certificates and proxies; default: this user's.
        timeout: seconds for one answer.
    """

    def __init__(self, settings: PipSettings | None = None, timeout: float = 60.0) -> None:
        self.settings = settings or pip_settings()
        self.timeout = timeout
        self._opener = _opener(self.settings)

    def releases(self, name: str) -> list[Release]:
        """The source releases of a package, oldest first; pre-releases and yanked ones are left out.

        Raises:
            MintError: if no index knows the name, or none answers.
        """
        files, problems = [], []
        for url in self.settings.index_urls():
            try:
                body, kind, where = self._page(f"{url}/{canonical(name)}/")
            except FileNotFoundError:
                continue
            except OSError as error:
                problems.append(str(getattr(error, "reason", error)))
                continue
            files += _from_json(body, where) if "json" in kind else _from_html(body, where)
        found = _releases(canonical(name), files)
        if found:
            return found
        if problems:
            raise MintError(f"the package index does not answer: {problems[0][:200]}")
        raise MintError("no source releases on the index" if files else "no package of this name on the index")

    def fetch(self, release: Release) -> tuple[Path, Release]:
        """The archive, from the cache or downloaded, and the release with its hash.

        Raises:
            MintError: if it cannot be had, is over 64 MiB, or its hash is not the index's.
        """
        folder = cache_root() / "sdists" / release.name
        kept = folder / f"{release.sha256[:12] or 'unhashed'}-{release.file}"
        if release.sha256 and kept.is_file():
            return kept, release
        try:
            body = self._get(release.url, FILE_BYTES)[0]
        except OSError as error:
            raise MintError(f"cannot download {release.file}: {getattr(error, 'reason', error)}"[:300]) from None
        found = hashlib.sha256(body).hexdigest()
        if release.sha256 and found != release.sha256:
            raise MintError(f"{release.file} is not the file that the index lists: its sha256 is {found}")
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / f"{found[:12]}-{release.file}"
        part = kept.with_suffix(".part")
        part.write_bytes(body)
        part.replace(kept)
        return kept, replace(release, sha256=found)

    def _page(self, url: str) -> tuple[str, str, str]:
        if url.startswith("file:"):
            path = Path(unquote(urlsplit(url).path)) / "index.html"
            if not path.is_file():
                raise FileNotFoundError(path)
            return path.read_text(encoding="utf-8", errors="replace"), "html", url
        body, kind, where = self._get(url, PAGE_BYTES)
        # Some mirrors answer in HTML whatever the header says, so the text decides.
        text = body.decode("utf-8", "replace")
        return text, "json" if "json" in kind and text.lstrip().startswith("{") else "html", where

    def _get(self, url: str, limit: int) -> tuple[bytes, str, str]:
        if urlsplit(url).scheme not in ("https", "http", "file"):
            raise OSError(f"not an address to download from: {url[:100]}")
        request = urllib.request.Request(url, headers={"Accept": ACCEPT, "User-Agent": "assay-mint"})
        try:
            with self._opener.open(request, timeout=self.timeout) as answer:
                body: bytes = answer.read(limit + 1)
                kind = answer.headers.get("Content-Type", "")
                where = answer.geturl()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in (404, 410):
                raise FileNotFoundError(url) from None
            raise OSError(f"HTTP {error.code}") from None
        if len(body) > limit:
            raise OSError(f"larger than {limit // 2**20} MiB")
        return body, kind, where


def _opener(settings: PipSettings) -> urllib.request.OpenerDirector:
    certificate = settings.certificate()
    try:
        context = ssl.create_default_context(cafile=certificate or None)
    except OSError:
        raise MintError(f"pip's certificate bundle cannot be read: {certificate}") from None
    handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context)]
    proxy = settings.options.get("proxy")
    if proxy:
        handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
    return urllib.request.build_opener(*handlers)


def _releases(name: str, files: Iterable[Release]) -> list[Release]:
    """One per version; the first index and the tar ball win."""
    found: dict[str, Release] = {}
    for each in files:
        parsed = _version_of(name, each.file)
        if parsed is not None and not parsed.is_prerelease:
            entry = replace(each, name=name, version=str(parsed))
            found.setdefault(entry.version, entry)
    return sorted(found.values(), key=lambda each: each.order)


def _version_of(name: str, file: str) -> Version | None:
    for suffix in ARCHIVES:
        if file.endswith(suffix):
            stem = file[: -len(suffix)]
            for cut in (place.start() for place in re.finditer("-", stem)):
                if canonical(stem[:cut]) == name:
                    try:
                        return Version(stem[cut + 1 :])
                    except InvalidVersion:
                        continue
    return None


def _from_json(body: str, base: str) -> list[Release]:
    try:
        entries = json.loads(body)["files"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    found = []
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and not entry.get("yanked"):
            hashes = entry.get("hashes") or {}
            found.append(
                _file(
                    str(entry.get("filename") or ""),
                    urljoin(base, str(entry.get("url") or "")),
                    str(hashes.get("sha256") or "") if isinstance(hashes, dict) else "",
                    entry.get("requires-python"),
                    entry.get("upload-time"),
                )
            )
    return found


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append({name: value or "" for name, value in attrs})


def _from_html(body: str, base: str) -> list[Release]:
    parser = _Links()
    parser.feed(body)
    found = []
    for link in parser.found:
        if "data-yanked" in link or "href" not in link:
            continue
        url, fragment = urldefrag(urljoin(base, link["href"]))
        name = unquote(urlsplit(url).path).rsplit("/", 1)[-1]
        match = re.search(r"sha256=([0-9a-f]{64})", fragment)
        python = html.unescape(link.get("data-requires-python", ""))
        found.append(_file(name, url, match[1] if match else "", python, link.get("data-upload-time")))
    return found


def _file(name: str, url: str, sha256: str, python: Any, uploaded: Any) -> Release:
    clean = sha256 if re.fullmatch(r"[0-9a-f]{64}", sha256) else ""
    when = str(uploaded or "")[:19]
    safe = name if re.fullmatch(r"[A-Za-z0-9._+!~-]+", name) else ""  # becomes a file's name in the cache
    return Release("", "", safe, url, clean, str(python or ""), when if re.match(r"\d{4}-\d\d-\d\dT", when) else "")
