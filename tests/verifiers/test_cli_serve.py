import http.client
import json
import socket
import threading
import urllib.error
import urllib.request

import pytest

from assay.verifiers import get
from assay.verifiers.command.serve import Server, Settings


@pytest.fixture
def serve():
    servers = []

    def start(**settings):
        server = Server(("127.0.0.1", 0), Settings(**settings))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address[1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def post(port, path, body, raw=False):
    data = body if raw else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def post_refused(port, path, body):
    """As post; a server that refuses by the length alone may have answered and gone before the body was sent."""
    for _ in range(20):
        try:
            return post(port, path, body)
        except urllib.error.URLError as error:
            if not isinstance(error.reason, BrokenPipeError | ConnectionResetError):
                raise
    raise AssertionError("refused twenty times without an answer")


def test_one_response_and_a_batch(serve):
    port = serve()
    body = {"name": "math.numeric", "response": r"\boxed{50\%}", "truth": {"answer": "50"}}
    status, score = post(port, "/score", body)
    assert (status, score["reward"], score["correct"]) == (200, 0.0, False)
    status, score = post(port, "/score", body | {"options": {"percent": "either"}})
    assert (status, score["reward"]) == (200, 1.0)
    items = [{"response": "7", "truth": "7"}, {"response": "8", "truth": {"answer": 7}}]
    status, reply = post(port, "/score", {"name": "math.numeric", "items": items})
    assert (status, [s["reward"] for s in reply["scores"]]) == (200, [1.0, 0.0])


def test_the_shape_of_remote_reward_trainers(serve):
    port = serve(verifier=get("classify.label"), options={"think_mode": "think"})
    truth = {"label": "cat", "labels": ["cat", "dog"]}
    prompts = ["Which animal? ", "Which animal? ", "Which animal? "]
    answers = ["<think>a</think><answer>cat</answer>", "<think>a</think><answer>dog</answer>", "cat"]
    body = {
        "query": [p + a for p, a in zip(prompts, answers, strict=True)],
        "prompts": prompts,
        "labels": [json.dumps(truth), truth, truth],
    }
    status, reply = post(port, "/reward", body)
    assert status == 200
    assert reply["rewards"] == [2.0, 1.0, 1.0]
    assert reply["scores"] == [1.0, 0.0, 1.0]
    assert reply["extra_logs"]["format"] == [1.0, 1.0, 0.0]
    assert post(port, "/get_reward", {"query": [], "labels": []})[1] == {"rewards": [], "scores": [], "extra_logs": {}}


def test_bare_answers_as_labels(serve):
    port = serve(verifier=get("math.numeric"))
    status, reply = post(port, "/reward", {"query": ["7", "8", "{9}"], "prompts": None, "labels": ["7", 7, "{9}"]})
    assert (status, reply["rewards"]) == (200, [1.0, 0.0, 1.0])


def test_listing_over_http(serve):
    with urllib.request.urlopen(f"http://127.0.0.1:{serve()}/", timeout=30) as reply:
        known = json.load(reply)["verifiers"]
    assert "form" in known["math.numeric"]["options"]


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/score", b"not json", 400, "not JSON"),
        ("/score", b"[1]", 400, "JSON object"),
        ("/score", b"[" * 100_000, 400, "not JSON"),
        ("/score", {"response": "x"}, 400, "name a verifier"),
        ("/score", {"name": "no.such"}, 404, "did you mean"),
        ("/score", {"name": "text.f1", "truth": "x"}, 400, '"response" is a string'),
        ("/score", {"name": "text.f1", "response": "x", "truth": {}}, 422, "the truth needs"),
        ("/score", {"name": "text.f1", "response": "x", "truth": None}, 422, "got NoneType"),
        (
            "/score",
            {"name": "text.f1", "response": "x", "truth": "x", "options": {"speed": 1}},
            422,
            "no option 'speed'",
        ),
        ("/score", {"name": "text.f1", "response": "x", "truth": "x", "options": [1]}, 400, '"options"'),
        ("/score", {"name": "text.f1", "items": [1]}, 400, '"items"'),
        ("/reward", {"query": ["x"], "labels": ["x"]}, 400, "--name"),
        ("/elsewhere", {}, 404, "/score"),
    ],
)
def test_errors_are_one_line(serve, path, body, status, message):
    port = serve()
    found, reply = post(port, path, body, raw=isinstance(body, bytes))
    assert found == status
    assert message in reply["error"]
    assert "\n" not in reply["error"]
    assert post(port, "/score", {"name": "text.f1", "response": "x", "truth": "x"})[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        {"query": ["x"]},
        {"query": "x", "labels": ["x"]},
        {"query": ["x"], "labels": []},
        {"query": ["x"], "labels": ["x"], "prompts": []},
    ],
)
def test_lists_of_one_length(serve, body):
    assert post(serve(verifier=get("text.f1")), "/reward", body)[0] == 400


def test_limits_on_size_and_time(serve):
    port = serve(verifier=get("text.f1"), max_bytes=1000, timeout=1.0)
    assert post_refused(port, "/score", {"response": "x" * 2000, "truth": "x"})[0] == 413
    late = serve(verifier=get("text.f1"), timeout=-1.0 + 1.0)
    assert post(late, "/score", {"items": [{"response": "x", "truth": "x"}] * 3})[0] in {408, 503}


def test_a_body_that_never_comes_is_given_up(serve):
    port = serve(verifier=get("text.f1"), timeout=0.3)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as slow:
        slow.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert b"408" in slow.recv(1000)


def test_a_request_without_a_length_is_refused(serve):
    connection = http.client.HTTPConnection("127.0.0.1", serve(), timeout=30)
    connection.putrequest("POST", "/score")
    connection.endheaders()
    assert connection.getresponse().status == 411


def test_many_clients_at_once(serve):
    port = serve(verifier=get("math.numeric"))
    found = []

    def work(k):
        found.append((k, post(port, "/score", {"response": rf"\boxed{{{k}}}", "truth": str(k - k % 2)})[1]["reward"]))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [(k, float(k % 2 == 0)) for k in range(24)]


def test_the_address_is_this_machine_unless_asked():
    from assay.verifiers.cli import _serve_parser

    assert _serve_parser().parse_args([]).host == "127.0.0.1"
