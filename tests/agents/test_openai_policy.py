"""The OpenAI-compatible policy against a server on this machine that speaks the protocol."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from PIL import Image

from assay.agents.policy import Policy, Request, Sampling

pytest.importorskip("openai", reason="needs the client: pip install 'assay[openai]'")
from assay.agents.engines.openai import OpenAIPolicy, ServerError


class Server(ThreadingHTTPServer):
    """Answers with the last user text, upper-cased; texts that begin with a command misbehave."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[dict[str, Any]] = []
        self.headers_seen: list[str] = []
        self.failures = 0
        self.now = self.most = 0
        self.lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.seen.append(body)
            self.server.headers_seen.append(self.headers.get("Authorization", ""))
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
        try:
            self.answer(body)
        finally:
            with self.server.lock:
                self.server.now -= 1

    def answer(self, body: dict[str, Any]) -> None:
        content = body["messages"][-1]["content"]
        text = content if isinstance(content, str) else "".join(p.get("text", "") for p in content)
        if self.path != "/v1/chat/completions" or body["model"] != "small":
            return self.send(404, {"error": {"message": f"no model {body['model']} here"}})
        if text.startswith("fail"):
            with self.server.lock:
                self.server.failures += 1
                failing = self.server.failures <= int(text.split()[1])
            if failing:
                return self.send(503, {"error": {"message": "busy"}})
        if text.startswith("sleep"):
            time.sleep(float(text.split()[1]))
        reply = None if text == "silence" else text.upper()
        choice = {
            "index": 0,
            "finish_reason": "length" if text == "long" else "stop",
            "message": {"role": "assistant", "content": reply},
        }
        empty = {"id": "1", "object": "chat.completion", "created": 0, "model": "small"}
        return self.send(200, {**empty, "choices": [] if text == "nothing" else [choice]})

    def send(self, status: int, data: dict[str, Any]) -> None:
        blob = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(blob)))
        self.end_headers()
        self.wfile.write(blob)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def policy_of(server: Server, **options: Any) -> OpenAIPolicy:
    return OpenAIPolicy("small", base_url=f"http://127.0.0.1:{server.server_address[1]}/v1", **options)


def ask(text: Any, **fields: Any) -> Request:
    return Request([{"role": "system", "content": "be loud"}, {"role": "user", "content": text}], **fields)


def test_answers_come_in_order_and_without_tokens(server: Server) -> None:
    policy = policy_of(server)
    assert isinstance(policy, Policy)
    completions = policy.generate([ask(f"hello {i}") for i in range(20)])
    assert [one.text for one in completions] == [f"HELLO {i}" for i in range(20)]
    assert all(one.ids == () and one.finish == "stop" for one in completions)
    assert policy.generate([]) == []


def test_settings_reach_the_server(server: Server) -> None:
    plan = Sampling(7, 0.5, 0.9, 40, ("END",))
    policy_of(server).generate([ask("x", seed=2**40 + 5, sampling=plan)])
    (body,) = server.seen
    assert {k: body[k] for k in ("max_tokens", "temperature", "top_p", "top_k", "stop", "seed")} == {
        "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "stop": ["END"], "seed": 5,
    }  # fmt: skip
    policy_of(server, limit_field="max_completion_tokens").generate([ask("x", sampling=Sampling(9))])
    assert server.seen[1]["max_completion_tokens"] == 9
    assert not {"max_tokens", "top_k", "stop"} & set(server.seen[1])


def test_images_travel_as_data_urls(server: Server) -> None:
    picture = Image.new("RGB", (3, 2), (1, 2, 3))
    parts = [{"type": "image", "image": picture}, {"type": "text", "text": "what?"}]
    assert policy_of(server).generate([ask(parts, images=(picture,))])[0].text == "WHAT?"
    url = server.seen[0]["messages"][1]["content"][0]["image_url"]["url"]
    head, data = url.split(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert (image.size, image.getpixel((0, 0))) == ((3, 2), (1, 2, 3))


def test_finish_and_silence_and_a_stop_string_the_server_ignored(server: Server) -> None:
    long, silent, cut = policy_of(server).generate(
        [ask("long"), ask("silence"), ask("a b", sampling=Sampling(stop=(" ",)))]
    )
    assert (long.finish, silent.text, cut.text) == ("length", "", "A")


def test_requests_in_flight_are_bounded(server: Server) -> None:
    policy_of(server, concurrency=3).generate([ask("sleep 0.05") for _ in range(12)])
    assert server.most == 3


def test_a_busy_server_is_asked_again(server: Server) -> None:
    assert policy_of(server, retries=2).generate([ask("fail 1")])[0].text == "FAIL 1"
    assert len(server.seen) == 2


def test_failures_are_one_line_that_names_the_server(server: Server) -> None:
    with pytest.raises(ServerError, match=r"127\.0\.0\.1.*small.*503.*busy") as caught:
        policy_of(server, retries=0).generate([ask("fail 9"), ask("fine")])
    assert "\n" not in str(caught.value)
    with pytest.raises(ServerError, match="no model large here"):
        OpenAIPolicy("large", base_url=str(policy_of(server).client.base_url)).generate([ask("x")])
    with pytest.raises(ServerError, match="without a choice"):
        policy_of(server).generate([ask("nothing")])
    with pytest.raises(ServerError, match=r"[Tt]imed? ?out"):
        policy_of(server, timeout=0.1, retries=0).generate([ask("sleep 1")])


def test_no_server_is_one_line() -> None:
    with pytest.raises(ServerError, match=r"127\.0\.0\.1:9"):
        OpenAIPolicy("small", base_url="http://127.0.0.1:9/v1", retries=0).generate([ask("x")])


def test_keys(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ValueError, match="set OPENAI_API_KEY"):
        OpenAIPolicy("small")
    policy_of(server).generate([ask("x")])
    monkeypatch.setenv("OPENAI_API_KEY", "sesame")
    policy_of(server).generate([ask("x")])
    assert server.headers_seen == ["Bearer none", "Bearer sesame"]
