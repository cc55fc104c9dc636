"""The OIDC issuer: its discovery document and the keys that it signs with, held for a while."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

log = structlog.get_logger()

TIMEOUT_S = 3.0
# They are asked for again after FRESH_S, or when a token names a key that is not known, but not oftener than each
# AGAIN_S; while the issuer is away they are good for KEPT_S.
FRESH_S, AGAIN_S, KEPT_S = 600.0, 10.0, 3600.0
_KINDS = ("RSA", "EC", "OKP")


class AwayError(Exception):
    """The issuer cannot be asked; the text says what came instead."""


class Issuer:
    """Asks it, and remembers."""

    def __init__(self, url: str) -> None:
        """`url`: as tokens have it in `iss`."""
        self.url = url
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S)
        self._metadata: Mapping[str, Any] = {}
        self._keys: dict[str, Key] = {}
        self._read_at = self._tried_at = -float("inf")
        self._asking = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def metadata(self) -> Mapping[str, Any]:
        """The discovery document. Raises AwayError."""
        await self._refresh()
        return self._metadata

    async def key(self, kid: str) -> Key | None:
        """The public key of that name; None: the issuer has none. Raises AwayError."""
        await self._refresh()
        if kid not in self._keys:
            await self._refresh(but_newer_than=time.monotonic())
            if kid not in self._keys and self._tried_at > self._read_at:
                raise AwayError(f"the issuer {self.url} does not answer, and nobody else knows that key")
        return self._keys.get(kid)

    async def _refresh(self, but_newer_than: float | None = None) -> None:
        asked_at = time.monotonic()
        wanted = asked_at - FRESH_S if but_newer_than is None else but_newer_than
        if self._read_at > wanted or (self._asking.locked() and but_newer_than is None and self._kept):
            return
        async with self._asking:
            if self._read_at < wanted and time.monotonic() - self._tried_at > AGAIN_S:
                await self._read()
        if not self._kept:
            raise AwayError(f"the issuer {self.url} does not answer as it should; the log says more")

    @property
    def _kept(self) -> bool:
        return time.monotonic() - self._read_at < KEPT_S

    async def _read(self) -> None:
        self._tried_at = time.monotonic()
        try:
            metadata = await self._json(f"{self.url.rstrip('/')}/.well-known/openid-configuration")
            if metadata.get("issuer") != self.url:
                raise AwayError(f"it calls itself {metadata.get('issuer')!r}")
            keys = await self._json(str(metadata.get("jwks_uri")))
            self._metadata, self._keys = metadata, _keys_of(keys)
            self._read_at = time.monotonic()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, AwayError) as error:
            log.warning("the OIDC issuer does not answer", issuer=self.url, error=str(error) or repr(error))

    async def _json(self, url: str) -> dict[str, Any]:
        answer = await self._client.get(url)
        answer.raise_for_status()
        found = answer.json()
        if not isinstance(found, dict):
            raise ValueError(f"{url} has no JSON object")
        return found


def _keys_of(found: Mapping[str, Any]) -> dict[str, Key]:
    """The public keys for signatures, by their names; what is none, or of a kind unknown here, is left out."""
    keys: dict[str, Key] = {}
    listed = found.get("keys")
    for one in listed if isinstance(listed, list) else []:
        if not isinstance(one, dict) or one.get("kty") not in _KINDS or one.get("use", "sig") != "sig":
            continue
        try:
            keys[str(one["kid"])] = JWKRegistry.import_key(one)
        except (JoseError, KeyError, ValueError) as error:
            log.warning("the OIDC issuer has a key that is none", error=str(error))
    return keys
