"""Asking the servers that speak HTTP whether they serve."""

import http.client
import json
import urllib.error
import urllib.request
from typing import Any

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


def _get(url: str) -> bytes:
    # Proxies of the environment are for the world outside.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=PROBE_SECONDS) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        error.close()
        raise UnhealthyError(f"{url} answers {error.code}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnhealthyError(str(error)) from error
