"""Alertmanager's API, version 2: whom to tell of an alarm is its business."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

TIMEOUT_S = 10.0


class AlertmanagerError(Exception):
    """Alertmanager did not take alerts; the text says why."""


class RefusedAlertError(AlertmanagerError):
    """Alertmanager is there, and will not have one of these alerts."""


class Alert(NamedTuple):
    """One alert: it stands until `ends_at`, or whenever it is sent again with a later one."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime

    def document(self) -> dict[str, Any]:
        """As the API takes it. An empty label is no label."""
        return {
            "labels": {name: value for name, value in self.labels.items() if value},
            "annotations": {name: value for name, value in self.annotations.items() if value},
            "startsAt": self.starts_at.isoformat(),
            "endsAt": self.ends_at.isoformat(),
            "generatorURL": self.annotations.get("link", ""),
        }


def post(address: str, alerts: Sequence[Alert]) -> None:
    """Send alerts. Raises AlertmanagerError, RefusedAlertError where it is for what they are."""
    # Proxies of the environment are for the world outside.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        request = urllib.request.Request(
            f"{address.rstrip('/')}/api/v2/alerts",
            json.dumps([alert.document() for alert in alerts], ensure_ascii=False).encode(),
            {"Content-Type": "application/json"},
        )
        with opener.open(request, timeout=TIMEOUT_S):
            return
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(500).decode(errors="replace").strip()
        kind = RefusedAlertError if error.code == 400 else AlertmanagerError
        raise kind(f"Alertmanager at {address} answers {error.code}: {said}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise AlertmanagerError(f"no Alertmanager at {address} ({error or type(error).__name__})") from None
