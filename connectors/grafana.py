"""Grafana's HTTP API: what it has against what it should have, and sending the difference."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException, GrafanaTimeoutError
from niquests.exceptions import JSONDecodeError, RequestException

TIMEOUT_S = 20.0

Document = Mapping[str, Any]


class GrafanaError(Exception):
    """Grafana refuses, or is away; the text says why and what to do."""


@dataclass(frozen=True)
class Wanted:
    """What Grafana should have, each as its API takes it."""

    folder: Document
    sources: Sequence[Document]
    dashboards: Sequence[Document]


@dataclass(frozen=True)
class Change:
    """What differs: of which kind, its name, whether it is there at all, and where it differs."""

    kind: Literal["folder", "data source", "dashboard"]
    name: str
    uid: str
    is_new: bool
    places: tuple[str, ...] = ()


class Grafana:
    """One Grafana at `http://[user:password@]host:port[/path]`; with a token that is who we are."""

    def __init__(self, address: str, token: str = "") -> None:
        parts = urlsplit(address)
        self._address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        path = parts.path.strip("/")
        # Half of it has no types.
        self._api: Any = GrafanaApi(
            token or user, host=parts.hostname or "", port=parts.port, protocol=parts.scheme,
            url_path_prefix=f"{path}/" if path else "", timeout=TIMEOUT_S,
        )  # fmt: skip

    def close(self) -> None:
        """End the connections."""
        self._api.client.s.close()

    def compare(self, wanted: Wanted) -> list[Change]:
        """What would change. Raises GrafanaError."""
        return list(self._changes(wanted))

    def push(self, wanted: Wanted, *, everything: bool = False) -> Iterator[Change]:
        """Send what differs, or everything, in the order in which it is needed. Raises GrafanaError."""
        yield from self._changes(wanted, send=True, everything=everything)

    def _changes(self, wanted: Wanted, *, send: bool = False, everything: bool = False) -> Iterator[Change]:
        folder = wanted.folder
        there = self._get("see folders", self._api.folder.get_folder, folder["uid"])
        if change := _change("folder", folder["title"], folder, there, everything):
            if send:
                with self._doing(f"make the folder {folder['title']!r}"):
                    if there is None:
                        self._api.folder.create_folder(folder["title"], uid=folder["uid"])
                    else:
                        self._api.folder.update_folder(folder["uid"], title=folder["title"], overwrite=True)
            yield change
        for source in wanted.sources:
            there = self._get("see data sources", self._api.datasource.get_datasource_by_uid, source["uid"])
            if change := _change("data source", source["name"], source, _with_secrets(source, there), everything):
                if send:
                    with self._doing(f"save the data source {source['name']!r}"):
                        if there is None:
                            self._api.datasource.create_datasource(dict(source))
                        else:
                            self._api.datasource.update_datasource_by_uid(source["uid"], dict(source))
                yield change
        for dashboard in wanted.dashboards:
            name = dashboard["title"]
            there = self._get("see dashboards", self._api.dashboard.get_dashboard, dashboard["uid"])
            ours = {"dashboard": dashboard, "meta": {"folderUid": folder["uid"]}}
            if change := _change("dashboard", name, ours, there, everything):
                if send:
                    with self._doing(f"save the dashboard {name!r}"):
                        self._api.dashboard.update_dashboard(
                            {"dashboard": dict(dashboard), "folderUid": folder["uid"], "overwrite": True}
                        )
                yield change

    def _get(self, doing: str, ask: Any, uid: str) -> Document | None:
        with self._doing(doing):
            try:
                answer = ask(uid)
            except GrafanaClientError as error:
                if error.status_code == 404 and isinstance(error.response, dict):
                    return None
                raise
        if not isinstance(answer, dict):
            raise GrafanaError(f"{self._address} answers, but not as a Grafana does; see TENGERIM_GRAFANA")
        return answer

    @contextmanager
    def _doing(self, what: str) -> Iterator[None]:
        """Whatever goes wrong, as a sentence."""
        try:
            yield
        except GrafanaTimeoutError:
            raise GrafanaError(f"Grafana at {self._address} has not answered for {TIMEOUT_S:.0f} s") from None
        except GrafanaClientError as error:
            raise GrafanaError(self._refusal(error, what)) from None
        except JSONDecodeError:
            raise GrafanaError(f"{self._address} answers, but not as a Grafana does; see TENGERIM_GRAFANA") from None
        except GrafanaException as error:
            raise GrafanaError(f"Grafana at {self._address} could not {what}: {error.message}") from None
        except (RequestException, OSError) as error:
            raise GrafanaError(
                f"no Grafana at {self._address} ({_why(error)}); see whether it runs, or set TENGERIM_GRAFANA"
            ) from None

    def _refusal(self, error: GrafanaClientError, what: str) -> str:
        says = error.response.get("message", "") if isinstance(error.response, dict) else str(error.response)[:200]
        if "provisioned" in says or "read-only data source" in says:
            return (
                f"Grafana at {self._address} has its own from files, so it could not {what} ({says}): write those "
                "(`tengerim grafana write`) instead of pushing"
            )
        match error.status_code:
            case 401:
                return (
                    f"Grafana at {self._address} does not know us ({says}): set TENGERIM_GRAFANA_TOKEN to a token of a "
                    "service account with the role Admin, or TENGERIM_GRAFANA to http://user:password@host:port"
                )
            case 403:
                return f"Grafana at {self._address} does not let us {what} ({says}): that needs the role Admin"
            case 404:
                return f"{self._address} answers, but not as a Grafana does; see TENGERIM_GRAFANA"
            case 409 | 412:
                return (
                    f"Grafana at {self._address} could not {what}, since another stands in its place ({says}): rename "
                    "or remove that one, then push again"
                )
        return f"Grafana at {self._address} did not accept what we sent to {what} ({error.status_code}: {says})"


@contextmanager
def connected(address: str, token: str = "") -> Iterator[Grafana]:
    """A Grafana while the block lasts."""
    with closing(Grafana(address, token)) as grafana:
        yield grafana


def _change(kind: Any, name: str, ours: Document, theirs: Document | None, everything: bool) -> Change | None:
    uid = ours["dashboard"]["uid"] if kind == "dashboard" else ours["uid"]
    if theirs is None:
        return Change(kind, name, uid, is_new=True)
    places = tuple(differences(ours, theirs))
    return Change(kind, name, uid, is_new=False, places=places) if places or everything else None


def differences(ours: Any, theirs: Any, place: str = "") -> Iterator[str]:
    """Where what Grafana has is not as we say. What it has beside it is its own: numbers, times, what it fills in."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name, value in ours.items():
            yield from differences(value, theirs.get(name), f"{place}.{name}" if place else str(name))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(one, other, f"{place}.{number}")
    elif ours != theirs and not (_nothing(ours) and _nothing(theirs)):
        yield place


def _nothing(value: Any) -> bool:
    """Grafana drops what is empty, or fills it in."""
    return value is None or value is False or value in ("", [], {})


def _with_secrets(ours: Document, theirs: Document | None) -> Document | None:
    """A password is never told, only that there is one: it is supposed to be the same."""
    if theirs is None:
        return None
    known = {name for name, there in (theirs.get("secureJsonFields") or {}).items() if there}
    secrets = {name: value for name, value in ours.get("secureJsonData", {}).items() if name in known}
    return {**theirs, "secureJsonData": secrets}


def _why(error: Exception) -> str:
    """The reason alone, out of what the layers below have wrapped around it."""
    text = str(error)
    for reason in ("Connection refused", "Name or service not known", "timed out", "certificate"):
        if reason in text:
            return reason
    return text[:120] or type(error).__name__
