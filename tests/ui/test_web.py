"""The guard: who may come in over HTTP and WebSocket, cell by cell, and what every answer carries."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from entrypoints import tokens, web

PORT = 8501
OWN = f"http://127.0.0.1:{PORT}"
PATHS = ("/", "/_stcore/stream", "/media/x.png", "/_stcore/upload_file/a/b", "/settings", "/static/js/x.js")

HOSTS = {
    f"127.0.0.1:{PORT}": True,
    f"localhost:{PORT}": True,
    "127.0.0.1:9000": True,  # as a container publishes it
    f"evil.test:{PORT}": False,
    f"192.168.0.5:{PORT}": False,
    f"127.0.0.1.evil.test:{PORT}": False,
    f"evil@127.0.0.1:{PORT}": False,
    f"127.0.0.1:{PORT}/@evil.test": False,
    "": False,
}
ORIGINS = ("own", "none", "null", "http://evil.test", "http://localhost:3000", f"https://127.0.0.1:{PORT}")
COOKIES = ("good", "none", "expired", "foreign", "link", "wrong name")


@pytest.fixture
def key(tmp_path: Path) -> tokens.AccessKey:
    return tokens.ensure_key(tmp_path)


@pytest.fixture
def client(key: tokens.AccessKey) -> Iterator[TestClient]:
    async def page(_: Request) -> PlainTextResponse:
        return PlainTextResponse("inside")

    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("inside")
        await socket.close()

    methods = ["GET", "POST", "PUT", "DELETE"]
    routes = [WebSocketRoute("/_stcore/stream", stream), Route("/{path:path}", page, methods=methods)]
    app = Starlette(routes=routes, middleware=[Middleware(web.Guard, key=key)])
    with TestClient(app, base_url=OWN, follow_redirects=False) as opened:
        yield opened


def headers(key: tokens.AccessKey, tmp_path: Path, *, host: str, origin: str, cookie: str) -> dict[str, str]:
    made = {"host": host}
    if origin == "own":
        made["origin"] = f"http://{host}"
    elif origin != "none":
        made["origin"] = origin
    values = {
        "good": key.prove("cookie"),
        "expired": _expired(key),
        "foreign": tokens.ensure_key(tmp_path / "other").prove("cookie"),
        "link": key.prove("link"),
        "wrong name": key.prove("cookie"),
    }
    if cookie in values:
        name = "footnote_8502" if cookie == "wrong name" else web.cookie_name(PORT)
        made["cookie"] = f"{name}={values[cookie]}"
    return made


def _expired(key: tokens.AccessKey) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens.time, "time", lambda: 1_000_000_000)
        return key.prove("cookie")


def test_only_own_calls_with_a_good_cookie_pass(client: TestClient, key: tokens.AccessKey, tmp_path: Path) -> None:
    cells = passed = 0
    for host, origin, cookie in itertools.product(HOSTS, ORIGINS, COOKIES):
        sent = headers(key, tmp_path, host=host, origin=origin, cookie=cookie)
        known = HOSTS[host] and cookie == "good"
        for path, method in itertools.product(PATHS, ("GET", "PUT", "POST", "DELETE")):
            expected = known and (origin == "own" or (origin == "none" and method == "GET"))
            reply = client.request(method, path, headers=sent)
            assert (reply.text == "inside") is expected, (host, origin, cookie, method, path)
            assert expected or reply.status_code in (400, 401, 403)
            cells += 1
            passed += expected
        expected = known and origin == "own"
        assert _socket_opens(client, sent) is expected, (host, origin, cookie, "WS")
        cells += 1
        passed += expected
    assert cells > 600
    assert passed > 0


def _socket_opens(client: TestClient, sent: dict[str, str]) -> bool:
    try:
        with client.websocket_connect(f"ws://127.0.0.1:{PORT}/_stcore/stream", headers=sent) as socket:
            return socket.receive_text() == "inside"
    except WebSocketDisconnect:
        return False


def test_health_needs_no_token_but_an_own_host(client: TestClient) -> None:
    assert client.get("/_stcore/health").text == "inside"
    assert client.get("/_stcore/health", headers={"host": "evil.test"}).status_code == 400


def test_who_has_no_cookie_is_told_how_to_get_in(client: TestClient) -> None:
    reply = client.get("/")
    assert reply.status_code == 401
    assert "footnote open" in reply.text


@pytest.mark.parametrize("purpose", ["link", "once"])
def test_a_link_sets_a_private_cookie_and_leaves_no_token_behind(
    client: TestClient, key: tokens.AccessKey, purpose: tokens.Purpose
) -> None:
    reply = client.get("/", params={"token": key.prove(purpose), "w": "a&<b>", "x": "y"})
    cookie = reply.headers["set-cookie"]
    assert reply.status_code == 200
    assert cookie.startswith(f"footnote_{PORT}=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert f"Max-Age={30 * tokens.DAY}" in cookie
    assert 'url=/?w=a%26%3Cb%3E"' in reply.text
    assert "token" not in reply.text
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert client.get("/").text == "inside"  # the client keeps the cookie


def test_a_cookie_or_command_proof_is_no_link(client: TestClient, key: tokens.AccessKey) -> None:
    for purpose in ("cookie", "command"):
        assert client.get("/", params={"token": key.prove(purpose)}).status_code == 401


def test_a_link_from_another_site_does_not_let_in(client: TestClient, key: tokens.AccessKey) -> None:
    reply = client.get("/", params={"token": key.prove("link")}, headers={"origin": "http://evil.test"})
    assert reply.status_code == 403
    assert "set-cookie" not in reply.headers


def test_every_answer_carries_the_policy(client: TestClient, key: tokens.AccessKey) -> None:
    replies = [client.get("/"), client.get("/", headers={"host": "evil.test"}), client.get("/_stcore/health")]
    replies.append(client.get("/", headers={"cookie": f"{web.cookie_name(PORT)}={key.prove('cookie')}"}))
    assert [reply.status_code for reply in replies] == [401, 400, 200, 200]
    for reply in replies:
        for name, value in web.HEADERS.items():
            assert reply.headers[name] == value


def test_the_policy_names_no_other_host() -> None:
    for directive in web.CONTENT_SECURITY_POLICY.split("; "):
        allowed = set(directive.split()[1:])
        assert allowed <= {"'none'", "'self'", "'unsafe-inline'", "data:", "blob:"}
    assert "script-src 'self';" in web.CONTENT_SECURITY_POLICY


class TestCommandEndpoint:
    """The private endpoint of the command line takes a bearer proof, never a cookie, never a browser."""

    @pytest.fixture
    def command(self, key: tokens.AccessKey, monkeypatch: pytest.MonkeyPatch) -> TestClient:
        def lines(
            services: Any, arguments: list[str], *, stopping: threading.Event, secret: str | None
        ) -> Iterator[str]:
            yield f"{services()} {arguments}{' and a secret' if secret else ''}\n"

        monkeypatch.setattr("entrypoints.remote.command_lines", lines)
        route = Route(web.COMMAND, web._command_endpoint(lambda: "services", threading.Event()), methods=["POST"])  # type: ignore[arg-type, return-value]  # a stand-in
        app = Starlette(routes=[route], middleware=[Middleware(web.Guard, key=key)])
        return TestClient(app, base_url=OWN)

    def test_a_command_proof_runs_the_command(self, command: TestClient, key: tokens.AccessKey) -> None:
        reply = command.post(web.COMMAND, json={"arguments": ["documents"]}, headers=_bearer(key.prove("command")))
        assert reply.text == "services ['documents']\n"

    def test_a_secret_comes_apart_from_the_arguments(self, command: TestClient, key: tokens.AccessKey) -> None:
        call: dict[str, Any] = {"arguments": ["unlock"], "secret": "x"}
        reply = command.post(web.COMMAND, json=call, headers=_bearer(key.prove("command")))
        assert reply.text == "services ['unlock'] and a secret\n"
        call["secret"] = ["x"]
        assert command.post(web.COMMAND, json=call, headers=_bearer(key.prove("command"))).status_code == 400

    @pytest.mark.parametrize("purpose", ["cookie", "link", "once"])
    def test_other_proofs_do_not(self, command: TestClient, key: tokens.AccessKey, purpose: tokens.Purpose) -> None:
        cookie = {"cookie": f"{web.cookie_name(PORT)}={key.prove('cookie')}"}
        for sent in (_bearer(key.prove(purpose)), cookie, {}):
            assert command.post(web.COMMAND, json={"arguments": []}, headers=sent).status_code == 401

    def test_a_browser_does_not_even_with_a_proof(self, command: TestClient, key: tokens.AccessKey) -> None:
        for origin in (OWN, "http://evil.test", "null"):
            sent = _bearer(key.prove("command")) | {"origin": origin}
            assert command.post(web.COMMAND, json={"arguments": []}, headers=sent).status_code == 401

    @pytest.mark.parametrize("body", [b"", b"[]", b'{"arguments": "x"}', b'{"arguments": [1]}', b"\xff", b"{}"])
    def test_what_is_no_command_is_refused(self, command: TestClient, key: tokens.AccessKey, body: bytes) -> None:
        reply = command.post(web.COMMAND, content=body, headers=_bearer(key.prove("command")))
        assert reply.status_code == 400

    def test_an_endless_command_is_refused(self, command: TestClient, key: tokens.AccessKey) -> None:
        reply = command.post(web.COMMAND, content=b"x" * 1_100_000, headers=_bearer(key.prove("command")))
        assert reply.status_code == 413


def _bearer(proof: str) -> dict[str, str]:
    return {"authorization": f"Bearer {proof}"}
