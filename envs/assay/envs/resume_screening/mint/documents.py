"""Resumes read from files, each of which may be broken or made to do harm."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TEXT = (".txt", ".md")
KNOWN = (*TEXT, ".pdf", ".docx")
MOST_BYTES = 20 * 2**20
MOST_TEXT = 2**20
SECONDS = 30.0
_AT_ONCE = 4
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class UnreadableError(ValueError):
    """One resume that is left out, and why in one line."""


def read_document(path: Path) -> str:
    """The text of a resume; PDF and DOCX are parsed in a process of their own with limits of time and memory.

    Raises:
        UnreadableError: one line.
        ImportError: if the parser of the format is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in KNOWN:
        hint = ": save it as DOCX or PDF" if suffix in (".doc", ".odt", ".rtf", ".pages") else ""
        raise UnreadableError(f"{suffix or 'a file without a suffix'} is none of {', '.join(KNOWN)}{hint}")
    try:
        size = path.stat().st_size
        limit = MOST_TEXT if suffix in TEXT else MOST_BYTES
        if size > limit:
            raise UnreadableError(f"it has {size / 2**20:.1f} MB, a resume of this kind at most {limit // 2**20}")
        text = _plain(path.read_bytes()) if suffix in TEXT else _extracted(path)
    except OSError as error:
        raise UnreadableError(error.strerror or str(error)) from None
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not text:
        raise UnreadableError("it is empty")
    return text


def _plain(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif b"\x00" in data[:4096]:
        raise UnreadableError("it is no text")
    else:
        encoding = "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableError(f"it is not UTF-8 text (byte {error.start}): save it as UTF-8") from None


def _extracted(path: Path) -> str:
    program = str(Path(__file__).with_name("extract.py"))
    # -I: neither the folder nor the user's environment decides what is imported
    command = [sys.executable, "-I", program, str(path.absolute())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL, check=False)
        found = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise UnreadableError(f"reading it takes more than {SECONDS:.0f} s") from None
    except ValueError:
        raise UnreadableError("reading it takes too much time or memory, or breaks the reader") from None
    if "missing" in found:
        raise ImportError(f"{path.suffix} files need {found['missing']}: pip install 'assay[resume]'")
    if "refused" in found:
        raise UnreadableError(found["refused"])
    return str(found["text"])


def read_documents(
    paths: Sequence[Path], on_done: Callable[[], None] = lambda: None
) -> tuple[dict[Path, str], dict[Path, str]]:
    """The texts of many resumes, and why the others are left out.

    Raises:
        ImportError: if the parser of a format that occurs is not installed.
    """

    def read(path: Path) -> str | UnreadableError:
        try:
            return read_document(path)
        except UnreadableError as error:
            return error
        finally:
            on_done()

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = dict(zip(paths, pool.map(read, paths), strict=True))
    texts = {path: text for path, text in found.items() if isinstance(text, str)}
    return texts, {path: str(error) for path, error in found.items() if not isinstance(error, str)}
