"""The gate before the app: which names, which pages and which people it lets through."""

import html

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from data.errors import UserError
from workbench.app import auth, server
from workbench.app.auth import COOKIE, Gate, Rules, signed, signed_in

TOKEN = "a secret of more than twenty letters"
RULES = Rules(("tb.example.org",), TOKEN)


async def page(request):
    return PlainTextResponse("inside")


async def stream(socket):
    await socket.accept()
    await socket.send_text("inside")


def client(rules: Rules, base: str = "http://127.0.0.1:8501") -> TestClient:
    inner = Starlette(
        routes=[
            Route("/{rest:path}", page, methods=["GET", "POST"]),
            WebSocketRoute("/_stcore/stream", stream),
        ]
    )
    return TestClient(Gate(inner, rules), base_url=base, follow_redirects=False)


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost", "LOCALHOST:1", "[::1]:8501"])
def test_this_machine_is_reached_by_its_own_names(host):
    answer = client(Rules()).get("/", headers={"host": host})
    assert (answer.status_code, answer.text) == (200, "inside")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8501", "", "localhost.", "@"]
)
def test_a_name_that_was_pointed_here_by_others_is_refused(host):
    answer = client(Rules()).get("/", headers={"host": host})
    assert answer.status_code == 403
    assert "inside" not in answer.text


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999"])
def test_another_site_writes_nothing_and_hears_nothing(origin):
    here = client(Rules())
    assert here.post("/x", headers={"origin": origin}).status_code == 403
    with pytest.raises(WebSocketDisconnect), here.websocket_connect(
        "/_stcore/stream", headers={"origin": origin, "host": "127.0.0.1:8501"}
    ) as socket:  # fmt: skip
        socket.receive_text()


def test_the_apps_own_pages_write_and_listen():
    here, own = client(Rules()), {"origin": "http://127.0.0.1:8501", "host": "127.0.0.1:8501"}
    assert here.post("/x", headers=own).text == "inside"
    with here.websocket_connect("/_stcore/stream", headers=own) as socket:
        assert socket.receive_text() == "inside"


def test_nothing_is_inside_for_who_has_not_signed_in():
    here = client(RULES, "http://tb.example.org")
    answer = here.get("/", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert here.get("/media/x").status_code == 401
    with pytest.raises(WebSocketDisconnect), here.websocket_connect(
        "/_stcore/stream", headers={"host": "tb.example.org"}
    ) as socket:  # fmt: skip
        socket.receive_text()


def test_who_knows_the_token_signs_in_and_is_known_by_name():
    here = client(RULES, "https://tb.example.org")
    assert "Sign in" in here.get("/sign-in").text
    answer = here.post("/sign-in", data={"name": " Ana  Lovelace ", "token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "secure"))
    assert here.get("/").text == "inside"
    assert signed_in(RULES, f"{COOKIE}={here.cookies[COOKIE]}") == "Ana Lovelace"


def test_signing_in_leads_to_the_requested_page():
    here = client(RULES, "https://tb.example.org")
    response = here.get("/failures?stage=sft&text=a%2Fb", headers={"accept": "text/html"})
    form = here.get(response.headers["location"]).text
    action = html.unescape(form.partition('action="')[2].partition('"')[0])
    wrong = here.post(action, data={"name": "Ana", "token": "wrong"})
    assert html.escape(action) in wrong.text
    answer = here.post(action, data={"name": "Ana", "token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/failures?stage=sft&text=a%2Fb",
    )


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "x", "",
     "\\\\evil.example", "javascript:alert(1)", "/a\r\nSet-Cookie: a=b"],
)  # fmt: skip
def test_signing_in_leads_to_no_other_site(target):
    here = client(RULES, "https://tb.example.org")
    form = {"name": "Ana", "token": TOKEN}
    answer = here.post("/sign-in", params={"next": target}, data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_an_address_that_looks_like_another_site_is_not_led_on_to():
    here = client(RULES, "https://tb.example.org")
    response = here.get("https://tb.example.org//evil.example/x", headers={"accept": "text/html"})
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in")


@pytest.mark.parametrize("beside", ['x={"a":1}', "bad[key]=1", "a b=c", "=", "x", 'y="', "é=1"])
def test_an_odd_cookie_of_another_app_hides_no_sign_in(beside):
    own = f"{COOKIE}={signed(RULES, 'Ana', 2**40)}"
    for cookies in (f"{beside}; {own}", f"{own}; {beside}"):
        assert signed_in(RULES, cookies) == "Ana"


@pytest.mark.parametrize(
    "answer",
    [
        client(Rules()).get("/train"),
        client(Rules()).get("/", headers={"host": "evil.example"}),
        client(RULES, "http://tb.example.org").get("/sign-in"),
        client(RULES, "http://tb.example.org").get("/", headers={"accept": "text/html"}),
    ],
    ids=["page", "refused", "form", "way in"],
)
def test_no_other_site_shows_the_app_inside_a_page_of_its_own(answer):
    assert answer.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("address", "hosts", "host"),
    [
        ("fd00::1", (), "[fd00::1]:8501"),
        ("fd00:0::1", (), "[fd00::1]:8501"),
        ("127.0.0.2", (), "127.0.0.2:8501"),
        ("127.0.0.2", (), "localhost:8501"),
        ("0.0.0.0", ("TB.example.org:8443",), "tb.example.org:8443"),
        ("::", ("fd00::1",), "[fd00::1]:8501"),
        ("::", ("[fd00::1]",), "[fd00::1]:8501"),
        ("::", ("[fd00::1]:8443",), "[fd00::1]:8443"),
    ],
)
def test_the_app_answers_to_the_address_and_the_names_it_was_started_with(
    tmp_path, address, hosts, host
):
    environment = server.environment_of(tmp_path, address, hosts, False, TOKEN)
    answer = client(auth.rules_of(environment)).get("/sign-in", headers={"host": host})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"name": "Ana", "token": "wrong"}, 403),
        ({"name": "Ana", "token": ""}, 403),
        ({"name": "Ana"}, 403),
        ({"name": " ", "token": TOKEN}, 400),
        ({"name": "a\x00b", "token": TOKEN}, 400),
        ({"name": "x" * 20_000, "token": TOKEN}, 413),
    ],
)
def test_a_form_that_is_not_right_signs_nobody_in(form, status):
    here = client(RULES, "http://tb.example.org")
    assert here.post("/sign-in", data=form).status_code == status
    assert COOKIE not in here.cookies


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "x",
        f"{COOKIE}=",
        f"{COOKIE}=a.b.c",
        f"{COOKIE}={signed(Rules(token='another secret of many letters'), 'Ana', 2**40)}",
        f"{COOKIE}={signed(RULES, 'Ana', 1_000_000_000)}",
        f"{COOKIE}={signed(RULES, 'Ana', 2**40)[:-1]}0",
        f"{COOKIE}={signed(RULES, 'Ana', 2**40).replace('QW5h', 'QmVu')}",
        "\x00=\xff; ;;=",
    ],
)
def test_a_cookie_that_this_app_did_not_sign_or_that_is_old_is_none(cookie):
    assert signed_in(RULES, cookie) is None


def test_an_address_of_others_needs_a_token_and_a_name(tmp_path):
    def environment_of(address, hosts=(), token=""):
        return server.environment_of(tmp_path, address, hosts, False, token)

    with pytest.raises(UserError, match="no sign-in is set up"):
        environment_of("0.0.0.0")
    with pytest.raises(UserError, match="has 5 characters, expected 20"):
        environment_of("0.0.0.0", token="short")
    with pytest.raises(UserError, match="names by which"):
        environment_of("0.0.0.0", token=TOKEN)
    with pytest.raises(UserError, match="expected an address of this machine"):
        environment_of("tb.example.org", token=TOKEN)
    environment = environment_of("0.0.0.0", ("TB.example.org",), TOKEN)
    assert environment["THINKBENCH_HOSTS"] == "tb.example.org"
    assert environment_of("192.0.2.7", token=TOKEN)["THINKBENCH_HOSTS"] == "192.0.2.7"
    assert environment_of("127.0.0.1")["THINKBENCH_HOSTS"] == ",".join(auth.LOOPBACK)
