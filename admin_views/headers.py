"""The headers that keep browsers strict: what a page may load, and that nobody keeps a copy."""

import secrets

from flask import Flask, Response, current_app, g

# data: is for the small pictures inside Tabler's stylesheet (ticks, arrows), and for the QR code of
# two-factor log-in, which must not be a file that anybody could fetch.
POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
A_YEAR = 365 * 24 * 60 * 60


def csp_nonce() -> str:
    """The word that this answer's inline parts would have to carry; the panel has none."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def register(app: Flask) -> None:
    """Send the headers with every answer; one that a view has set itself stays."""
    app.jinja_env.globals["csp_nonce"] = csp_nonce

    @app.after_request
    def strict(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", POLICY.format(nonce=csp_nonce()))
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if response.mimetype in {"text/html", "application/json"}:
            # Customers' data does not stay behind in a cache after the log-out.
            response.headers["Cache-Control"] = "no-store"
        if current_app.config["SETTINGS"].secure_cookies:
            response.headers.setdefault("Strict-Transport-Security", f"max-age={A_YEAR}")
        return response
