"""The text of one PDF or DOCX file, printed as JSON. Run as a program of its own, within limits of time and memory.

A file from a stranger may be made to hang a parser or to fill memory: here that ends this process only. It imports
nothing of ours, so that it starts fast.
"""

from __future__ import annotations

import json
import sys
import zipfile
from typing import Any

MOST_PAGES = 50
MOST_UNPACKED = 64 * 2**20
MOST_CHARS = 1_000_000
MEMORY = 2 * 2**30
SECONDS = 20


class RefusedError(Exception):
    """The file is not read, and why in one line."""


def main(path: str) -> int:
    """Print ``{"text": ...}`` or ``{"refused": ...}``."""
    _limit()
    try:
        found = {"text": pdf_text(path) if path.lower().endswith(".pdf") else docx_text(path)}
    except RefusedError as error:
        found = {"refused": str(error)}
    except MemoryError:
        found = {"refused": "reading it would take more than 2 GB of memory"}
    except ImportError as error:
        found = {"missing": str(error.name)}
    except Exception as error:  # whatever a parser says of a broken file
        found = {"refused": f"it is damaged ({type(error).__name__})"}
    print(json.dumps(found))
    return 0


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows: the parent's clock still holds
        return
    for kind, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS)):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def pdf_text(path: str) -> str:
    """The text of all pages.

    Raises:
        RefusedError: protected by a password, no text, or too many pages.
    """
    import logging

    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = PdfReader(path)
    if reader.is_encrypted and not _opens(reader):
        raise RefusedError("it is protected by a password: save it without one")
    if len(reader.pages) > MOST_PAGES:
        raise RefusedError(f"it has {len(reader.pages)} pages, a resume at most {MOST_PAGES}")
    parts: list[str] = []
    for page in reader.pages:
        parts.append(page.extract_text() or "")
        _check(sum(map(len, parts)))
    text = "\n".join(parts)
    if not text.strip():
        raise RefusedError("it holds no text, only pictures perhaps: run text recognition (OCR) first")
    return text


def _opens(reader: Any) -> bool:
    try:
        return bool(reader.decrypt(""))
    except Exception:  # a cipher that needs another package, or a broken dictionary
        return False


def docx_text(path: str) -> str:
    """The text of all paragraphs and tables.

    Raises:
        RefusedError: no DOCX file, too large once unpacked, or no text.
    """
    if not zipfile.is_zipfile(path):
        raise RefusedError("it is no DOCX file (an encrypted one is none either: save it without a password)")
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > MOST_UNPACKED:
        raise RefusedError(f"it unpacks to {unpacked / 2**20:.0f} MB, a resume to at most {MOST_UNPACKED // 2**20}")
    from docx import Document

    document = Document(path)
    lines = [paragraph.text for paragraph in document.paragraphs]
    for table in document.tables:
        lines += [" | ".join(dict.fromkeys(cell.text for cell in row.cells)) for row in table.rows]
    text = "\n".join(lines)
    _check(len(text))
    if not text.strip():
        raise RefusedError("it holds no text, only pictures perhaps: run text recognition (OCR) first")
    return text


def _check(length: int) -> None:
    if length > MOST_CHARS:
        raise RefusedError(f"it holds more than {MOST_CHARS:,} characters, which is no resume")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
