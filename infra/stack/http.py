"""Asking the servers that speak HTTP whether they serve."""

import http.client
import json
import urllib.error
import urllib.request
from base64 import b64encode
from typing import Any
from urllib.parse import unquote, urlsplit

from infra.stack.part import UnhealthyError

PROBE_SECONDS = 5


def ready(address: str) -> None:
    """Ask `/-/ready`. Raises UnhealthyError."""
    _get(f"{address.rstrip('/')}/-/ready")


def document(address: str, path: str) -> Any:
    """The JSON document at `path`. Raises UnhealthyError."""
    try:
        return json.loads(_get(f"{address.rstrip('/')}/{path}"))
    except ValueError as error:
        raise UnhealthyError(f"{address}/{path} is no JSON") from error


def _get(address: str) -> bytes:
    parts = urlsplit(address)
    # Name and password are a header's, and in no message.
    url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    headers = {}
    if parts.username is not None:
        who = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(who.encode()).decode()}"
    # Proxies of the environment are for the world outside.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=PROBE_SECONDS) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        error.close()
        raise UnhealthyError(f"{url} answers {error.code}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnhealthyError(str(error)) from error
