"""``assay-score serve``: verifiers over HTTP, with limits on size, time and concurrency."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from assay.verifiers import registry
from assay.verifiers.command.common import (
    UsageError,
    all_options,
    as_truth,
    find_verifier,
    import_modules,
    parse_options,
)
from assay.verifiers.score import Score

MAX_CONCURRENT = 32
MAX_ITEMS = 65_536


@dataclass(frozen=True)
class Settings:
    """What a server allows.

    Attributes:
        verifier: behind ``/reward``, and the default for ``/score``; None for none.
        options: of that verifier.
        max_bytes: largest request body.
        timeout: seconds for one request, reading included.
    """

    verifier: registry.Verifier | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    max_bytes: int = 32 << 20
    timeout: float = 60.0


class RefusedError(Exception):
    """A request that is answered with an error: HTTP status and one line."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Server(ThreadingHTTPServer):
    """One thread per request, at most 32 at work."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], settings: Settings) -> None:
        self.settings = settings
        self.slots = threading.BoundedSemaphore(MAX_CONCURRENT)
        super().__init__(address, Handler)


class Handler(BaseHTTPRequestHandler):
    """GET / and POST /score, /reward."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "assay-score"
    sys_version = ""

    def setup(self) -> None:
        """Give a silent or slow client no longer than the limit."""
        super().setup()
        self.connection.settimeout(self.server.settings.timeout)

    def do_GET(self) -> None:
        """The verifiers and their options."""
        if self.path not in {"/", "/verifiers", "/health"}:
            self._send(404, {"error": "there are GET / and POST /score, /reward"})
            return
        known = {}
        for name in registry.names():
            verifier = registry.get(name)
            known[name] = {"summary": verifier.summary, "options": {k: o.doc for k, o in verifier.options.items()}}
        self._send(200, {"verifiers": known})

    def do_POST(self) -> None:
        """Score."""
        if not self.server.slots.acquire(timeout=self.server.settings.timeout):
            self._send(503, {"error": "too many requests at once"})
            return
        try:
            status, reply = 200, self._answer()
        except RefusedError as refusal:
            status, reply = refusal.status, {"error": str(refusal)}
            self.close_connection = True
        except TimeoutError:
            status, reply = 408, {"error": "the request took too long to arrive"}
            self.close_connection = True
        finally:
            self.server.slots.release()
        self._send(status, reply)

    def _answer(self) -> dict[str, Any]:
        settings = self.server.settings
        deadline = time.monotonic() + settings.timeout
        body = _parse(self._body(settings.max_bytes, deadline))
        if self.path == "/score":
            return answer_score(body, settings, deadline)
        if self.path in {"/reward", "/get_reward"}:
            return answer_reward(body, settings, deadline)
        raise RefusedError(404, "there are POST /score and POST /reward")

    def _body(self, limit: int, deadline: float) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise RefusedError(411, "send a Content-Length")
        if int(length) > limit:
            raise RefusedError(413, f"the body is over {limit} bytes")
        chunks, missing = [], int(length)
        while missing:
            if time.monotonic() > deadline:
                raise TimeoutError
            chunk = self.rfile.read1(min(missing, 1 << 16))
            if not chunk:
                raise RefusedError(400, "the body is shorter than its Content-Length")
            chunks.append(chunk)
            missing -= len(chunk)
        return b"".join(chunks)

    def _send(self, status: int, reply: dict[str, Any]) -> None:
        data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing about requests that went well."""


def _parse(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, f"the body is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise RefusedError(400, "the body is a JSON object")
    return data


def _score(verifier: registry.Verifier, response: Any, truth: Any, options: Mapping[str, Any]) -> Score:
    if not isinstance(response, str):
        raise RefusedError(400, '"response" is a string')
    try:
        mapping = as_truth(verifier, truth)
        return verifier(response, mapping, **all_options(mapping, options))
    except (ValueError, TypeError) as error:
        raise RefusedError(422, str(error)) from None


def _many(count: int, deadline: float) -> range:
    if count > MAX_ITEMS:
        raise RefusedError(413, f"at most {MAX_ITEMS} items in one request")
    return range(count)


def _in_time(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise RefusedError(503, "out of time: send fewer items in one request, or start with a larger --timeout")


def answer_score(body: Mapping[str, Any], settings: Settings, deadline: float) -> dict[str, Any]:
    """``{"name", "response", "truth", "options"}`` to one score, or ``{"items": [...]}`` to ``{"scores": [...]}``.

    Raises:
        RefusedError: with the status of the error.
    """
    verifier, options = settings.verifier, dict(settings.options)
    if "name" in body:
        try:
            named = registry.get(str(body["name"]))
        except KeyError as error:
            raise RefusedError(404, str(error.args[0])) from None
        options = options if named is verifier else {}
        verifier = named
    if verifier is None:
        raise RefusedError(400, 'name a verifier: {"name": "math.numeric", ...}')
    given = body.get("options") or {}
    if not isinstance(given, dict):
        raise RefusedError(400, '"options" is a JSON object')
    options |= given
    if "items" not in body:
        return _score(verifier, body.get("response"), body.get("truth"), options).to_dict()
    items = body["items"]
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise RefusedError(400, '"items" is a list of {"response", "truth"}')
    scores = []
    for k in _many(len(items), deadline):
        _in_time(deadline)
        scores.append(_score(verifier, items[k].get("response"), items[k].get("truth"), options).to_dict())
    return {"scores": scores}


def answer_reward(body: Mapping[str, Any], settings: Settings, deadline: float) -> dict[str, Any]:
    """What remote-reward trainers send: ``query`` (prompt and response), ``prompts``, ``labels``, lists of one length.

    The response is the query without its prompt. A label is the truth: a JSON object, such an object as a string, or
    a bare answer.

    Returns:
        ``rewards``, ``scores`` (1 or 0 for right or wrong, the reward where there is no verdict), and ``extra_logs``
        with one list for each part that every score has.

    Raises:
        RefusedError: with the status of the error.
    """
    verifier = settings.verifier
    if verifier is None:
        raise RefusedError(400, "start the server with --name to use /reward")
    queries, prompts, labels = body.get("query"), body.get("prompts"), body.get("labels")
    if not isinstance(queries, list) or not isinstance(labels, list) or len(labels) != len(queries):
        raise RefusedError(400, '"query" and "labels" are lists of one length')
    prompts = [""] * len(queries) if prompts is None else prompts
    if not isinstance(prompts, list) or len(prompts) != len(queries):
        raise RefusedError(400, '"prompts" is a list as long as "query"')
    scores = []
    for k in _many(len(queries), deadline):
        _in_time(deadline)
        query, prompt = queries[k], prompts[k]
        if isinstance(query, str) and isinstance(prompt, str):
            query = query.removeprefix(prompt)
        scores.append(_score(verifier, query, _label_truth(labels[k]), settings.options))
    shared = set.intersection(*({*score.parts} for score in scores)) if scores else set()
    return {
        "rewards": [score.reward for score in scores],
        "scores": [score.reward if score.correct is None else float(score.correct) for score in scores],
        "extra_logs": {part: [score.parts[part] for score in scores] for part in sorted(shared)},
    }


def _label_truth(label: Any) -> Any:
    if isinstance(label, str) and label.lstrip().startswith("{"):
        try:
            truth = json.loads(label)
        except (ValueError, RecursionError):
            return label
        return truth if isinstance(truth, dict) else label
    return label


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    import_modules(args.imports)
    verifier = find_verifier(args.name, []) if args.name else None
    if verifier is None and args.option:
        raise UsageError("--option needs --name")
    options = parse_options(verifier, args.option) if verifier else {}
    settings = Settings(verifier, options, int(args.max_mb * (1 << 20)), args.timeout)
    try:
        server = Server((args.host, args.port), settings)
    except (OSError, OverflowError) as error:
        raise UsageError(f"cannot listen on {args.host}:{args.port}: {error}") from None
    host, port = server.server_address[:2]
    print(f"assay-score: listening on http://{host!s}:{port}", file=sys.stderr, flush=True)
    with server:
        server.serve_forever()
    return 0
