"""A small OIDC issuer of the tests: its discovery document, its keys, and tokens as good or as bad as is wanted."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import ECKey, Key, KeyParameters, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter


class _Any(JWSRegistry):
    """Whatever a test wants."""

    def get_alg(self, name: str) -> JWSAlgModel:
        return self.algorithms[name]


_ANY = _Any({"unknown": HeaderParameter("Of no meaning", "str")}, strict_check_header=False)


class Issuer:
    """`asked`: how often each address was; `away`: whether it answers with an error; `calls_itself`: what it says."""

    def __init__(self, port: int) -> None:
        self.url = self.calls_itself = f"http://127.0.0.1:{port}/realms/test"
        self.keys: list[Key] = [new_key("RS256", "first")]
        self.away = False
        self.asked: dict[str, int] = {}

    def answer(self, path: str) -> dict[str, Any] | None:
        self.asked[path.rpartition("/")[2]] = self.asked.get(path.rpartition("/")[2], 0) + 1
        if self.away:
            return None
        if path.endswith("/.well-known/openid-configuration"):
            return {"issuer": self.calls_itself, "jwks_uri": f"{self.url}/keys"}
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def token(self, key: Key | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """One that is good, but for what is given; a claim that is None is left out."""
        key, now = key or self.keys[0], int(time.time())
        usual: dict[str, Any] = {
            "iss": self.url, "aud": "tengerim", "sub": "1", "preferred_username": "vera", "iat": now, "nbf": now,
            "exp": now + 300, "realm_access": {"roles": ["viewer", "offline_access"]},
        }  # fmt: skip
        said = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return jwt.encode({"alg": key.alg, "kid": key.kid, **(header or {})}, said, key, registry=_ANY)

    def of(self, role: str, entity: str | None = None, **claims: Any) -> dict[str, str]:
        """The header of somebody in a role."""
        token = self.token(preferred_username=role, realm_access={"roles": [role]}, entity=entity, **claims)
        return {"Authorization": f"Bearer {token}"}


def new_key(algorithm: str, kid: str) -> Key:
    """A key for an algorithm."""
    parameters: KeyParameters = {"kid": kid, "alg": algorithm, "use": "sig"}
    if algorithm in ("EdDSA", "Ed25519"):
        return OKPKey.generate_key("Ed25519", parameters)
    if algorithm.startswith("ES"):
        return ECKey.generate_key({"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[algorithm], parameters)
    return RSAKey.generate_key(2048, parameters)


def encoded(value: object) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def resigned(token: str, header: dict[str, Any], secret: bytes | None) -> str:
    """The claims of a token under another header, with a code by a secret or none at all."""
    signed = f"{encoded(header)}.{token.split('.')[1]}"
    code = b"" if secret is None else hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(code).decode().rstrip('=')}"


@contextmanager
def issuing() -> Iterator[Issuer]:
    """One that runs while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = issuer.answer(self.path)
            body = json.dumps(found).encode()
            self.send_response(200 if found else 500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
