"""An authenticator app for tests: codes by the standard alone, without the library that judges."""

import base64
import hashlib
import hmac
import html
import re
import struct
from datetime import datetime

from flask.testing import FlaskClient

from tests import factories


def code_at(key: str, moment: datetime) -> str:
    """The six digits of RFC 6238 for a key in base 32."""
    key = key.replace(" ", "")
    secret = base64.b32decode(key + "=" * (-len(key) % 8))
    digest = hmac.new(secret, struct.pack(">Q", int(moment.timestamp()) // 30), hashlib.sha1)
    raw = digest.digest()
    start = raw[-1] & 15
    return f"{(int.from_bytes(raw[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def wrong_code(key: str, moment: datetime) -> str:
    """Six digits that are certainly not the present code, the one before nor the one after."""
    near = {code_at(key, datetime.fromtimestamp(moment.timestamp() + step, moment.tzinfo))
            for step in (-60, -30, 0, 30, 60)}  # fmt: skip
    return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555")
                if code not in near)  # fmt: skip


def key_on(page: str) -> str:
    """The key that the set-up page shows for typing."""
    found = re.search(r'class="k-key">([A-Z2-7 ]+)<', page)
    assert found, page
    return found[1]


def codes_on(page: str) -> list[str]:
    """The recovery codes on a page."""
    return re.findall(r"<li>([0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4})</li>", page)


def set_up(client: FlaskClient, moment: datetime) -> tuple[str, list[str]]:
    """Set two-factor log-in up as a person does; the phone's key and the recovery codes."""
    key = key_on(client.get("/two-factor/set-up").text)
    answer = client.post("/two-factor/set-up", data={"code": code_at(key, moment)})
    codes = codes_on(answer.text)
    assert codes, html.unescape(answer.text)
    return key, codes


def password(client: FlaskClient, email: str, way: str = "") -> str:
    """The first step; where it leads."""
    answer = client.post(
        "/login",
        data={"email": email, "password": factories.PASSWORD},
        query_string={"next": way} if way else None,
    )
    assert answer.status_code == 302, answer.text
    return str(answer.location)


def type_code(client: FlaskClient, code: str, page: str = "/login/code") -> str:
    """The second step: 'in', or the page that was shown instead."""
    answer = client.post(page, data={"code": code})
    return "in" if answer.status_code == 302 else answer.text
