"""The edge as it runs: Caddy with our Caddyfile between a client and two stub services."""

import contextlib
import gzip
import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

CADDYFILE = Path(__file__).parents[3] / "deploy" / "edge" / "Caddyfile"
START_SECONDS = 15


class Stub(BaseHTTPRequestHandler):
    """Says which service it is and what it was asked; `/stream` answers in two halves."""

    protocol_version = "HTTP/1.1"
    server: "StubServer"

    def do_GET(self) -> None:
        body = self.whole_body()
        if body is None:
            self.close_connection = True
            return
        if self.path == "/stream":
            self.stream()
            return
        told = {
            "service": self.server.service,
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body.decode("latin-1"),
            "padding": "x" * 2000,
        }
        self.server.seen.append(told)
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        if self.path == "/strict":
            self.send_header("referrer-policy", "no-referrer")
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_PUT = do_GET

    def whole_body(self) -> bytes | None:
        """The request's body, None when it was cut off: a service acts on whole bodies only."""
        if self.headers.get("transfer-encoding") == "chunked":
            return self.chunked_body()
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length)
        return body if len(body) == length else None

    def chunked_body(self) -> bytes | None:
        body = b""
        while line := self.rfile.readline():
            size = int(line, 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return body
        return None

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nfirst\r\n")
        self.wfile.flush()
        self.server.go_on.wait(START_SECONDS)
        self.wfile.write(b"6\r\nsecond\r\n0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Silence."""


class StubServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, service: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Stub)
        self.service = service
        self.seen: list[dict[str, Any]] = []
        self.go_on = threading.Event()

    def handle_error(self, *_: object) -> None:
        """A client that goes away is part of the tests."""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Edge:
    port: int

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            lowered = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, lowered, response.read())
        finally:
            connection.close()

    def first_line(self, request: bytes) -> bytes:
        """The start of the answer to bytes sent as they are."""
        with socket.create_connection(("127.0.0.1", self.port), START_SECONDS) as raw:
            raw.sendall(request)
            return raw.recv(4096).split(b"\r\n", 1)[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def caddy() -> str:
    program = shutil.which("caddy")
    assert program, "caddy is not installed; `apt-get install caddy`"
    return program


def environment(folder: Path, **values: str) -> dict[str, str]:
    homes = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    return {"PATH": os.environ["PATH"], **homes, **values}


@contextlib.contextmanager
def running_stub(service: str, port: int = 0) -> Iterator[StubServer]:
    stub = StubServer(service, port)
    thread = threading.Thread(target=stub.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stub
    finally:
        stub.go_on.set()
        stub.shutdown()
        thread.join()
        stub.server_close()


@contextlib.contextmanager
def running_edge(
    folder: Path, webhook: int, points: int, notify: int = 0, scheduler: int = 0, **values: str
) -> Iterator[Edge]:
    edge = Edge(free_port())
    env = environment(
        folder,
        EDGE_ADDRESS=f"http://127.0.0.1:{edge.port}",
        WEBHOOK_UPSTREAM=f"127.0.0.1:{webhook}",
        POINTS_UPSTREAM=f"127.0.0.1:{points}",
        NOTIFY_UPSTREAM=f"127.0.0.1:{notify or points}",
        SCHEDULER_UPSTREAM=f"127.0.0.1:{scheduler or points}",
        **values,
    )
    command = [caddy(), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        _wait_until_up(edge, process, folder / "log")
        yield edge
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _wait_until_up(edge: Edge, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            edge.ask("GET", "/healthz")
            return
        threading.Event().wait(0.02)
    pytest.fail(f"the edge did not start:\n{log.read_text()}")


@pytest.fixture(scope="module")
def stubs() -> Iterator[tuple[StubServer, ...]]:
    with contextlib.ExitStack() as stack:
        services = ("webhook", "points", "notify", "scheduler")
        yield tuple(stack.enter_context(running_stub(service)) for service in services)


@pytest.fixture(scope="module")
def edge(stubs: tuple[StubServer, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    ports = [stub.server_address[1] for stub in stubs]
    with running_edge(tmp_path_factory.mktemp("edge"), *ports) as running:
        yield running


@pytest.mark.parametrize(
    ("method", "path", "service"),
    [
        ("POST", "/v1/purchases", "webhook"),
        ("POST", "/v1/purchases?dry=1", "webhook"),
        ("POST", "/v1/purchases/batch", "webhook"),
        ("POST", "/line/webhook", "webhook"),
        ("GET", "/line/webhook", "webhook"),
        ("GET", "/v1/purchases", "points"),
        ("GET", "/v1/purchases/01a", "points"),
        ("GET", "/v1/purchases/batch", "points"),
        ("POST", "/v1/purchases/01a/refunds", "points"),
        ("POST", "/v1/purchases/batch/refunds", "points"),
        ("POST", "/v1/quotes", "points"),
        ("POST", "/v1/redemptions", "points"),
        ("GET", "/v1/members/lookup?card=2900000000018", "points"),
        ("PUT", "/v1/program", "points"),
        ("GET", "/card", "points"),
        ("GET", "/card/history", "points"),
        ("GET", "/static/card.css", "points"),
        ("GET", "/openapi.json", "points"),
        ("GET", "/", "points"),
        ("GET", "/nowhere", "points"),
        ("GET", "/v1/messages/templates", "notify"),
        ("POST", "/v1/messages/broadcasts", "notify"),
        ("GET", "/r/abc", "notify"),
        ("GET", "/notices/view", "notify"),
        ("GET", "/static/notify/a.css", "notify"),
        ("GET", "/v1/schedules", "scheduler"),
        ("GET", "/schedules", "scheduler"),
        ("GET", "/rubbish", "points"),
    ],
)
def test_each_address_reaches_its_service(edge: Edge, method: str, path: str, service: str) -> None:
    told = edge.ask(method, path, b"" if method == "GET" else b"{}").json()
    assert (told["service"], told["method"], told["path"]) == (service, method, path)


def test_health_is_answered_by_the_edge_itself(edge: Edge) -> None:
    answer = edge.ask("GET", "/healthz")
    assert (answer.status, answer.json()) == (200, {"status": "ok"})


def test_the_containers_health_check_gets_an_answer_without_naming_a_host(edge: Edge) -> None:
    assert edge.first_line(b"GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1")


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/%6detrics", "//metrics", "/METRICS"])
def test_what_is_for_operators_stays_inside(edge: Edge, path: str) -> None:
    answer = edge.ask("GET", path)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_services_learn_who_asked_and_cannot_be_told_lies(edge: Edge) -> None:
    lies = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil"}
    headers = edge.ask("GET", "/card", headers=lies).json()["headers"]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == f"127.0.0.1:{edge.port}"
    assert headers["host"] == f"127.0.0.1:{edge.port}"


def test_behind_an_ingress_the_services_learn_whom_the_ingress_saw(tmp_path: Path) -> None:
    told_by_the_ingress = {"X-Forwarded-For": "203.0.113.7"}
    client = "header_up X-Forwarded-For {header.X-Forwarded-For}"
    with (
        running_stub("points") as points,
        running_edge(tmp_path, 1, points.server_address[1], EDGE_CLIENT=client) as edge,
    ):
        headers = edge.ask("GET", "/card", headers=told_by_the_ingress).json()["headers"]
    assert headers["x-forwarded-for"] == "203.0.113.7"


def test_what_a_signature_covers_arrives_byte_by_byte(edge: Edge) -> None:
    body = '{"events" : [],\r\n "x":"é\\u0000"}'.encode("latin-1")
    sent = {"X-Line-Signature": "c2ln+/=", "Content-Type": "text/odd", "Prefer": "wait=3"}
    told = edge.ask("POST", "/line/webhook", body, sent).json()
    assert told["body"].encode("latin-1") == body
    assert told["headers"]["x-line-signature"] == "c2ln+/="
    assert told["headers"]["content-type"] == "text/odd"
    assert told["headers"]["prefer"] == "wait=3"


def test_pages_are_compressed_and_tills_are_not_kept_waiting_for_it(edge: Edge) -> None:
    accept = {"Accept-Encoding": "gzip"}
    page = edge.ask("GET", "/card", headers=accept)
    assert page.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(page.body))["service"] == "points"
    assert "content-encoding" not in edge.ask("POST", "/v1/purchases", b"{}", accept).headers


def test_headers_suit_all_pages_and_give_way_to_a_service(edge: Edge) -> None:
    page = edge.ask("GET", "/card")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert "server" not in page.headers
    assert "strict-transport-security" not in page.headers
    assert edge.ask("GET", "/strict").headers["referrer-policy"] == "no-referrer"


def test_a_huge_request_is_refused_before_it_is_sent(edge: Edge) -> None:
    head = b"POST /v1/purchases HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %d\r\n\r\n"
    assert b" 413 " in edge.first_line(head % (edge.port, 20_000_001))
    assert b" 413 " in edge.first_line(head % (edge.port, 10**12))


def test_a_huge_request_of_unknown_length_is_cut_off(
    edge: Edge, stubs: tuple[StubServer, ...]
) -> None:
    before = len(stubs[0].seen)
    request = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=START_SECONDS)
    parts = (b"x" * 1_000_000 for _ in range(22))
    with contextlib.suppress(BrokenPipeError, ConnectionResetError), contextlib.closing(request):
        request.request("POST", "/v1/purchases", parts, {}, encode_chunked=True)
        assert request.getresponse().status == 413
    assert len(stubs[0].seen) == before


def test_an_answer_is_handed_on_as_it_comes(edge: Edge, stubs: tuple[StubServer, ...]) -> None:
    points = stubs[1]
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=START_SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", "/stream")
        response = connection.getresponse()
        assert response.read(5) == b"first"
        assert not points.go_on.is_set()
        points.go_on.set()
        assert response.read() == b"second"


def test_with_a_service_away_the_answer_says_to_come_again(tmp_path: Path) -> None:
    with running_edge(tmp_path, free_port(), free_port()) as edge:
        answer = edge.ask("POST", "/v1/purchases", b"{}")
        assert answer.status == 503
        assert answer.headers["retry-after"] == "2"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == 503
        assert edge.ask("GET", "/healthz").status == 200


def ask_while_away(folder: Path, method: str, body: bytes) -> tuple[Answer, list[bytes]]:
    """Ask with the service down and bring it up meanwhile: the answer, and the bodies it got."""
    port, answers = free_port(), list[Answer]()
    with running_edge(folder, port, free_port()) as edge:
        asking = threading.Thread(
            target=lambda: answers.append(edge.ask(method, "/line/webhook", body))
        )
        asking.start()
        asking.join(0.5)
        assert asking.is_alive(), "the edge gave up at once"
        with running_stub("webhook", port) as webhook:
            asking.join(START_SECONDS)
            return answers[0], [told["body"].encode() for told in webhook.seen]


def test_a_service_that_comes_back_in_time_is_reached(tmp_path: Path) -> None:
    answer, got = ask_while_away(tmp_path, "GET", b"")
    assert (answer.status, got) == (200, [b""])


def test_a_body_reaches_a_service_that_comes_back_once_or_the_client_is_told(
    tmp_path: Path,
) -> None:
    # Before 2.11.2 Caddy cannot repeat a request with a body: then it must say so.
    answer, got = ask_while_away(tmp_path, "POST", b"b" * 300_000)
    assert (answer.status, got) in [(200, [b"b" * 300_000]), (503, [])]


def adapted(folder: Path, **values: str) -> dict[str, Any]:
    """The configuration as Caddy understands it, after Caddy has checked it."""
    upstreams = {
        f"{service.upper()}_UPSTREAM": f"{service}-web:8080"
        for service in ("webhook", "points", "notify", "scheduler")
    }
    env = environment(folder, **upstreams, **values)
    arguments = ["--config", str(CADDYFILE), "--adapter", "caddyfile"]
    subprocess.run([caddy(), "validate", *arguments], env=env, check=True, capture_output=True)
    done = subprocess.run([caddy(), "adapt", *arguments], env=env, check=True, capture_output=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_a_domain_gets_https_and_plain_http_does_not(tmp_path: Path) -> None:
    domain = adapted(tmp_path, EDGE_ADDRESS="shop.example.jp", EDGE_BIND="0.0.0.0")
    server = domain["apps"]["http"]["servers"]["srv0"]
    assert server["listen"] == ["0.0.0.0:443"]
    assert "automatic_https" not in server
    plain = adapted(tmp_path, EDGE_ADDRESS="http://:80")["apps"]["http"]["servers"]["srv0"]
    assert plain["listen"] == ["127.0.0.1:80"]
    assert "host" not in json.dumps(plain["routes"][0].get("match", []))


def test_nothing_is_logged_about_requests_and_nobody_can_reconfigure(tmp_path: Path) -> None:
    config = adapted(tmp_path, EDGE_ADDRESS="http://127.0.0.1:18080")
    assert config["admin"] == {"disabled": True}
    assert "logs" not in config["apps"]["http"]["servers"]["srv0"]
    assert "logging" not in config
