"""Access control: allowed host names, same-origin requests, and people who signed in.

Every request and every WebSocket passes here before it reaches Streamlit.
"""

import hashlib
import hmac
import html
import os
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
COOKIE = "thinkbench"
SIGN_IN = "/sign-in"
DURATION = 12 * 3600  # [s] of a sign-in
LONGEST_NAME = 80
LARGEST_FORM = 10_000  # [bytes]
SAFE = ("GET", "HEAD", "OPTIONS")
# Headers of every response: a page of another site must not embed the app (clickjacking).
GUARDS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",  # the same for older browsers
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
PAGE = """<!doctype html><meta charset="utf-8"><title>thinkbench</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<style>body{{font:16px system-ui;max-width:24rem;margin:15vh auto;padding:0 1rem}}
input,button{{font:inherit;width:100%;box-sizing:border-box;margin:.25rem 0 1rem;padding:.5rem}}
</style><h1>thinkbench</h1><p>{message}</p><form method="post" action="{action}">
<label>Your name, stored with what you write<input name="name" maxlength="80" required>
</label><label>Token<input name="token" type="password" required autocomplete="current-password">
</label><button>Sign in</button></form>"""


@dataclass(frozen=True)
class Rules:
    """hosts: names by which people reach the app   token: to sign in; "": no sign-in"""

    hosts: tuple[str, ...] = LOOPBACK
    token: str = ""


def rules_of(environment: Mapping[str, str]) -> Rules:
    """The rules that `thinkbench app` put into the environment."""
    hosts = tuple(filter(None, environment.get("THINKBENCH_HOSTS", "").split(",")))
    return Rules(hosts or LOOPBACK, environment.get("THINKBENCH_TOKEN", ""))


class Gate:
    """An ASGI middleware that passes only what the rules allow."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self.app, self.rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers, send = Headers(scope=scope), _guarded(send)
        why = refusal(self.rules, headers, scope.get("method"), scope["type"])
        if why:
            return await _refuse(scope, receive, send, why)
        if self.rules.token:
            if scope["path"].rstrip("/") == SIGN_IN:
                answer = await self._sign_in(Request(scope, receive))
                return await answer(scope, receive, send)
            if signed_in(self.rules, headers.get("cookie", "")) is None:
                if scope["type"] == "http" and "text/html" in headers.get("accept", ""):
                    return await RedirectResponse(_way_in(scope), 303)(scope, receive, send)
                return await _refuse(scope, receive, send, "Sign in first.", 401)
        await self.app(scope, receive, send)

    async def _sign_in(self, request: Request) -> HTMLResponse | RedirectResponse:
        after = path_within(request.query_params.get("next", ""))
        if request.method != "POST":
            return _page("Sign in to continue.", after)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_FORM:
                return _page("The form is too long.", after, 413)
        form = parse_qs(body.decode("utf-8", errors="replace"))
        name = " ".join(form.get("name", [""])[0].split())[:LONGEST_NAME]
        if not hmac.compare_digest(form.get("token", [""])[0].encode(), self.rules.token.encode()):
            return _page("Wrong token. The person who started the app has it.", after, 403)
        if not name.isprintable() or not name:
            return _page("Enter a name: it is stored with what you write.", after, 400)
        answer = RedirectResponse(after, 303)
        cookie = signed(self.rules, name, int(time.time()) + DURATION)
        answer.set_cookie(COOKIE, cookie, max_age=DURATION, httponly=True, samesite="strict",
                          secure=_is_https(request))  # fmt: skip
        return answer


def path_within(path: str) -> str:
    """`path` if it is within this app, else "/": a link must not lead to another site.

    A browser reads //name and /\\name as another site, and ignores tabs.
    """
    within = path.startswith("/") and not path.startswith("//")
    return path if within and "\\" not in path and path.isprintable() else "/"


def _way_in(scope: Scope) -> str:
    """The address of the sign-in form, which leads on to the requested address."""
    query = scope["query_string"].decode("latin-1")
    requested = quote(scope["path"]) + (f"?{query}" if query else "")
    return _form(path_within(requested))


def _form(after: str) -> str:
    return SIGN_IN if after == "/" else f"{SIGN_IN}?{urlencode({'next': after})}"


def _guarded(send: Send) -> Send:
    """`send` that adds GUARDS to the headers of the response."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            message.setdefault("headers", [])
            MutableHeaders(scope=message).update(GUARDS)
        await send(message)

    return guarded


def refusal(rules: Rules, headers: Headers, method: str | None, kind: str) -> str | None:
    """Why a request is refused, or None.

    A page of another site must not reach the app through its visitor's browser: not under a name
    of its own that resolves to this machine (DNS rebinding: the Host is checked), and not by a
    script (cross-site requests: the Origin is checked).
    """
    if name_of(headers.get("host", "")) not in rules.hosts:
        return "This app does not accept that host name: start it with --host NAME."
    origin = headers.get("origin")
    if origin is None:
        return None  # not a browser, or a plain GET of a page of this app
    acts = kind == "websocket" or method not in SAFE
    if acts and urlsplit(origin).netloc != headers.get("host"):
        return "Another site sent this request."
    return None


def name_of(host: str) -> str:
    """`tb.example.org` of `tb.example.org:8501`."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def signed(rules: Rules, name: str, until: int) -> str:
    """The value of a cookie: who signed in, until when it is valid, and a signature."""
    content = f"{until}.{urlsafe_b64encode(name.encode()).decode()}"
    return f"{content}.{_signature(rules, content)}"


def signed_in(rules: Rules, cookies: str) -> str | None:
    """The name of the person who signed in, from the Cookie header; None if nobody has."""
    # parsed as browsers do: a malformed cookie of another app on this machine must not hide ours
    content, _, signature = cookie_parser(cookies).get(COOKIE, "").rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(rules, content).encode()):
        return None
    until, _, name = content.partition(".")
    return urlsafe_b64decode(name).decode() if int(until) > time.time() else None


def _signature(rules: Rules, content: str) -> str:
    return hmac.new(rules.token.encode(), content.encode(), hashlib.sha256).hexdigest()


def _is_https(request: Request) -> bool:
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"


def _page(message: str, after: str, status: int = 200) -> HTMLResponse:
    page = PAGE.format(message=html.escape(message), action=html.escape(_form(after)))
    return HTMLResponse(page, status, {"Cache-Control": "no-store"})


async def _refuse(scope: Scope, receive: Receive, send: Send, why: str, status: int = 403) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": why})
    else:
        await PlainTextResponse(why, status)(scope, receive, send)


def author(cookies: str) -> str:
    """The name of the person who signed in to this process's app; "" if the app has no sign-in."""
    rules = rules_of(os.environ)
    return (signed_in(rules, cookies) or "") if rules.token else ""
