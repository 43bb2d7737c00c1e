"""The user's own pip settings: which index, which certificates, which proxy. They go into the build sandbox only."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

DEFAULT_INDEX = "https://pypi.org/simple"
PASSED = (
    "index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert", "client-cert", "proxy", "retries",
    "timeout",
)  # fmt: skip
LISTS = ("extra-index-url", "find-links", "trusted-host")
ALIASES = {"default-timeout": "timeout", "pypi-url": "index-url"}
NETWORK = (
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)  # fmt: skip
VISIBLE = ("/usr/", "/etc/ssl/", "/bin/", "/lib")
"""What a sandbox on the host's programs shows anyway."""


@dataclass(frozen=True, slots=True)
class PipSettings:
    """How this user reaches a package index.

    Attributes:
        options: pip's long options without dashes, such as ``index-url``; lists are separated by blanks.
        network: proxy and certificate variables of the environment.
    """

    options: Mapping[str, str]
    network: Mapping[str, str]

    def environment(self) -> dict[str, str]:
        """The same as environment variables for a pip that must see nothing else."""
        settings = {f"PIP_{name.upper().replace('-', '_')}": value for name, value in self.options.items()}
        return {**self.network, **settings, "PIP_CONFIG_FILE": os.devnull}

    def index_urls(self) -> list[str]:
        """The indexes to ask, the main one first; none with ``no-index``."""
        if self.options.get("no-index", "").lower() in ("1", "true", "yes", "on"):
            return []
        main = self.options.get("index-url", DEFAULT_INDEX)
        return [url.rstrip("/") for url in [main, *self.options.get("extra-index-url", "").split()]]

    def certificate(self) -> str:
        """The CA bundle that pip would use; empty: the system's."""
        names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
        return self.options.get("cert") or next((self.network[name] for name in names if self.network.get(name)), "")

    def local_paths(self) -> list[str]:
        """Files and folders of this machine that the settings point to, which a build sandbox must be shown."""
        found: list[str] = []
        for name in ("index-url", *LISTS[:2]):
            for value in self.options.get(name, "").split():
                path = _local(value)
                if path and Path(path).name == "simple":  # its files lie beside it
                    path = str(Path(path).parent)
                found.append(path)
        files = [self.options.get("cert", ""), self.options.get("client-cert", "")]
        files += [value for name, value in self.network.items() if "CERT" in name or "BUNDLE" in name]
        found += [path for path in files if path.startswith("/")]
        kept = {path.rstrip("/") for path in found if path and Path(path).exists()}
        return sorted(path for path in kept if not f"{path}/".startswith(VISIBLE) and path not in ("", "/"))


def pip_settings(environ: Mapping[str, str] | None = None) -> PipSettings:
    """The settings as pip would read them: configuration files, then ``PIP_*`` variables, which win."""
    env = os.environ if environ is None else environ
    options: dict[str, str] = {}
    for path in _config_files(env):
        options.update(_read(path))
    for name, value in env.items():
        if name.startswith("PIP_") and value:
            _take(options, name[4:].lower().replace("_", "-"), value)
    network = {name: env[name] for each in NETWORK for name in (each, each.lower()) if env.get(name)}
    return PipSettings(options, network)


def _config_files(env: Mapping[str, str]) -> list[Path]:
    named = env.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return []
    home = Path(env.get("HOME") or "~").expanduser()
    user = Path(env.get("XDG_CONFIG_HOME") or home / ".config")
    folders = [Path(each) for each in (env.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":") if each]
    files = [*(folder / "pip/pip.conf" for folder in folders), Path("/etc/pip.conf")]
    files += [home / ".pip/pip.conf", user / "pip/pip.conf", Path(sys.prefix) / "pip.conf"]
    return [*files, Path(named)] if named else files


def _read(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (OSError, UnicodeDecodeError, configparser.Error):
        return {}
    options: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            for name, value in parser.items(section):
                _take(options, name.replace("_", "-"), value)
    return options


def _take(options: dict[str, str], name: str, value: str) -> None:
    name = ALIASES.get(name, name)
    if name in PASSED:
        options[name] = " ".join(value.split())


def _local(value: str) -> str:
    if value.startswith("file:"):
        return unquote(urlsplit(value).path)
    return str(Path(value).expanduser()) if value.startswith(("/", "~")) else ""
