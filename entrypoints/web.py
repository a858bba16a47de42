"""The web side of the server: who may come in, what a page may load, and the private endpoint of the command line."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Callable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import streamlit as st
from starlette.concurrency import iterate_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrypoints.tokens import LIFETIME, AccessKey
from rag import priority
from rag.errors import FootnoteError

if TYPE_CHECKING:
    from workspaces.bootstrap import Services

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data: blob:",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "media-src 'self'",
        "manifest-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""Nothing from anywhere else, no inline scripts. 'unsafe-inline' is for styles alone: Streamlit sets them so."""

HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
HOSTS = frozenset({"127.0.0.1", "localhost"})
"""Names under which a browser may call this server; any other one is DNS rebinding."""

HEALTH = "/_stcore/health"
COMMAND = "/_footnote/command"
_MAX_COMMAND_BYTES = 1_000_000
_READING = frozenset({"GET", "HEAD"})

_DOOR = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Footnote</title><style>body{font:17px/1.6 Georgia,serif;max-width:34rem;margin:18vh auto;padding:0 1.5rem;
color:#22252b;background:#fcfbf8}code{background:#efece4;padding:.1em .4em;border-radius:4px}h1{font-size:1.6rem}
@media(prefers-color-scheme:dark){body{color:#e6e3dc;background:#17191d}code{background:#2a2d33}}</style>
<h1>Footnote is running.</h1><p>This browser has not been let in yet. Run <code>footnote open</code> (or
<code>.venv/bin/footnote open</code> in its folder) and use the link that it prints.</p>"""

_WELCOME = '<!doctype html><meta charset="utf-8"><title>Footnote</title><meta http-equiv="refresh" content="0;url={}">'
"""A page instead of a redirect: the cookie is SameSite=Strict, and the next request must come from this site."""


def cookie_name(port: int) -> str:
    """Cookies do not know ports; two servers of one user must not overwrite each other's."""
    return f"footnote_{port}"


class Guard:
    """ASGI middleware: checks Host, Origin and proof on HTTP and WebSocket alike; every answer carries HEADERS."""

    def __init__(self, app: ASGIApp, *, key: AccessKey) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the call in, or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            if scope["path"] not in (HEALTH, COMMAND):
                priority.page_opened()
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _hostname(hosts[0]) not in HOSTS:
            return PlainTextResponse("This address is not Footnote's.", status_code=400)
        if scope["path"] == COMMAND:
            return None if self._command_allowed(headers) else PlainTextResponse("No.", status_code=401)
        if not _origin_allowed(scope, headers):
            return PlainTextResponse("Calls from other sites are refused.", status_code=403)
        if scope["path"] == HEALTH or self._has_cookie(scope, headers):
            return self._drop_token(scope)
        return self._let_in(scope)

    def _command_allowed(self, headers: Headers) -> bool:
        scheme, _, proof = headers.get("authorization", "").partition(" ")
        return scheme == "Bearer" and "origin" not in headers and self._key.accepts("command", proof)

    def _has_cookie(self, scope: Scope, headers: Headers) -> bool:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(cookie_name(_port(scope)))
        except CookieError:
            return False
        return morsel is not None and self._key.accepts("cookie", morsel.value)

    def _drop_token(self, scope: Scope) -> Response | None:
        """Who is in already and follows a link again keeps no token in the address bar."""
        if scope["type"] == "http" and scope["path"] == "/" and "token" in _query(scope):
            return _welcome(scope)
        return None

    def _let_in(self, scope: Scope) -> Response:
        token = _query(scope).get("token", [""])[0]
        if scope["type"] == "http" and scope["method"] == "GET" and self._opens(token):
            response = _welcome(scope)
            response.set_cookie(
                cookie_name(_port(scope)),
                self._key.prove("cookie"),
                max_age=LIFETIME["cookie"],
                httponly=True,
                samesite="strict",
            )
            return response
        return HTMLResponse(_DOOR, status_code=401, headers={"cache-control": "no-store"})

    def _opens(self, token: str) -> bool:
        return self._key.accepts("link", token) or self._key.accepts("once", token)


def create_app(
    script: Path,
    *,
    key: AccessKey,
    services: Callable[[], Services],
    close: Callable[[], None],
    on_ready: Callable[[], None] = lambda: None,
    on_opened: Callable[[Services], None] = lambda _: None,
    on_script_error: Callable[[Exception], bool] | None = None,
) -> st.App:
    """The ASGI application: Streamlit behind the guard.

    Args:
        script: the page script.
        key: what proofs are checked with.
        services: opens the services when first called; safe from any thread.
        close: closes them if they were opened.
        on_ready: called when pages can be served.
        on_opened: called with the open services, in a thread of its own.
        on_script_error: shows an error that no page expected.
    """

    stopping = threading.Event()

    @contextlib.asynccontextmanager
    async def lifespan(_: st.App) -> AsyncIterator[None]:
        # beside the first request, not before it; a page that needs the services earlier waits for the same call
        threading.Thread(target=_open_quietly, args=(services, on_opened), name="open-services", daemon=True).start()
        _on_signal(stopping.set)
        on_ready()
        yield
        close()

    return st.App(
        script,
        lifespan=lifespan,
        on_script_error=on_script_error,
        middleware=[Middleware(Guard, key=key)],
        routes=[Route(COMMAND, _command_endpoint(services, stopping), methods=["POST"])],
    )


def _command_endpoint(services: Callable[[], Services], stopping: threading.Event) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        from entrypoints.remote import command_lines

        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > _MAX_COMMAND_BYTES:
                return PlainTextResponse("The command is too long.", status_code=413)
        command = _command(bytes(body))
        if command is None:
            return JSONResponse({"error": "arguments must be a list of texts"}, status_code=400)
        arguments, secret = command
        lines = iterate_in_threadpool(command_lines(services, arguments, stopping=stopping, secret=secret))
        return StreamingResponse(lines, media_type="application/x-ndjson")

    return endpoint


def _on_signal(action: Callable[[], None]) -> None:
    """Call `action` before the server's own handling of a signal to stop: it waits for open responses first."""
    if threading.current_thread() is not threading.main_thread():
        return  # a server inside a test; it gets no signals
    for number in (signal.SIGINT, signal.SIGTERM):
        inner = signal.getsignal(number)

        def handle(received: int, frame: FrameType | None, inner: object = inner) -> None:
            action()
            if callable(inner):
                inner(received, frame)

        signal.signal(number, handle)


def _command(body: bytes) -> tuple[list[str], str | None] | None:
    """(arguments, secret) of a call; None where it is no command."""
    import json

    try:
        call = json.loads(body)
        arguments, secret = call["arguments"], call.get("secret")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    good = isinstance(arguments, list) and all(isinstance(argument, str) for argument in arguments)
    return (arguments, secret) if good and isinstance(secret, str | None) else None


def _open_quietly(services: Callable[[], Services], on_opened: Callable[[Services], None]) -> None:
    with contextlib.suppress(FootnoteError):  # the first page asks again and shows the message
        on_opened(services())


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return sending


def _origin_allowed(scope: Scope, headers: Headers) -> bool:
    """Browsers state the origin of every WebSocket and of every call that changes something; it must be ours."""
    origins = headers.getlist("origin")
    if not origins:
        return scope["type"] == "http" and scope["method"] in _READING
    return len(origins) == 1 and origins[0] == f"http://{headers['host']}"


def _hostname(host: str) -> str:
    try:
        parts = urlsplit(f"//{host}")
        plain = parts.netloc == host and "@" not in host and parts.port != 0
    except ValueError:
        return ""
    return (parts.hostname or "") if plain else ""


def _port(scope: Scope) -> int:
    server = scope.get("server")
    return int(server[1] or 0) if server else 0


def _query(scope: Scope) -> dict[str, list[str]]:
    return parse_qs(scope.get("query_string", b"").decode("latin-1"))


def _welcome(scope: Scope) -> HTMLResponse:
    rest = {name: values[0] for name, values in _query(scope).items() if name in ("w", "c")}
    target = "/?" + urlencode(rest) if rest else "/"
    return HTMLResponse(_WELCOME.format(target), headers={"cache-control": "no-store"})
