"""What can be set, and how: environment variables that begin with TENGERIM_."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

_SERVER = r"(\[[0-9a-fA-F:]+\]|[^\s:/?#@,\[\]]+)"
_PORT = r":\d{1,5}"
_USER = r"([^\s@/]+@)?"
_MAIL = r"[^\s@,=]+@[^\s@,=]+"
_NETWORK = r"[0-9a-fA-F.:]+(/\d{1,3})?"
# Without TLS on this machine only.
_SECURE = rf"(https://{_SERVER}|http://(localhost|127\.0\.0\.1|\[::1\]))"


def _default_home() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tengerim"


class Settings(BaseSettings):
    """Settings of every part. An address that is empty is taken from the local stack."""

    model_config = SettingsConfigDict(env_prefix="TENGERIM_", frozen=True)

    home: Annotated[Path, Field(description="The one folder of the local stack.")] = Field(
        default_factory=_default_home
    )
    kafka: Annotated[
        str, Field(pattern=rf"^({_SERVER}{_PORT}(,{_SERVER}{_PORT})*)?$", description="host:port[,host:port]")
    ] = ""
    database: Annotated[
        str,
        Field(
            pattern=rf"^(postgres(ql)?://{_USER}{_SERVER}({_PORT})?(/[^\s/?]*)?(\?\S*)?)?$",
            description="postgresql://user[:password]@host:port/database",
        ),
    ] = ""
    redis: Annotated[
        str,
        Field(
            pattern=rf"^(rediss?://{_USER}{_SERVER}({_PORT})?(/\d*)?(\?\S*)?)?$",
            description="redis://host:port[/number]",
        ),
    ] = ""
    prometheus: Annotated[
        str, Field(pattern=rf"^(https?://{_USER}{_SERVER}({_PORT})?(/\S*)?)?$", description="http://host:port")
    ] = ""
    alertmanager: Annotated[
        str, Field(pattern=rf"^(https?://{_USER}{_SERVER}({_PORT})?(/\S*)?)?$", description="http://host:port")
    ] = ""
    grafana: Annotated[
        str,
        Field(
            pattern=rf"^(https?://{_USER}{_SERVER}({_PORT})?(/[^\s?]*)?)?$",
            description="http://[user:password@]host:port",
            repr=False,
        ),
    ] = ""

    space: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9_]{0,30}$",
            description="A name (a to z, then also 0 to 9 and _, 31 at most) of a set of topics, tables and keys.",
        ),
    ] = "main"
    partitions: Annotated[int, Field(ge=1, le=256, description="Partitions of `frames`, fixed when made.")] = 8
    clock: Annotated[
        Literal["wall", "none"], Field(description="Whether the worker writes ticks of the wall clock.")
    ] = "wall"
    tick_s: Annotated[float, Field(gt=0, le=60, description="Seconds between ticks of the wall clock.")] = 5.0
    grace_s: Annotated[
        int, Field(ge=0, le=3600, description="Seconds after the end of an interval until it is late.")
    ] = 300
    ahead_s: Annotated[
        int, Field(ge=0, le=86400, description="Seconds a sender's clock may run ahead of the stream's time.")
    ] = 300
    ring_intervals: Annotated[int, Field(ge=4, le=3000, description="Intervals of the recent past held in memory.")] = (
        104
    )
    batch_frames: Annotated[int, Field(ge=1, le=5000, description="Messages in one transaction, at most.")] = 400
    session_s: Annotated[
        int, Field(ge=2, le=90, description="Seconds after which Kafka gives a silent worker's partitions to another.")
    ] = 30
    metrics_port: Annotated[
        int, Field(ge=0, le=65535, description="Port of an agent's metrics, chosen by its worker; 0: none.")
    ] = 0
    alarm_rules: Annotated[
        str, Field(description="A master alarm database of your own, a YAML file; empty: the one that is shipped.")
    ] = ""
    public_url: Annotated[
        str,
        Field(
            pattern=rf"^(https?://{_SERVER}({_PORT})?(/\S*)?)?$",
            description="http://host:port where people open the control-room page; stands in notifications.",
        ),
    ] = ""
    language: Annotated[
        Literal["kk", "ru", "en"], Field(description="Language of notifications and of Grafana's dashboards.")
    ] = "ru"
    grafana_token: Annotated[
        str, Field(description="Token of a service account of Grafana, role Admin.", repr=False)
    ] = ""
    grafana_database: Annotated[
        str,
        Field(
            pattern=rf"^(postgres(ql)?://{_USER}{_SERVER}({_PORT})?(/[^\s/?]*)?(\?\S*)?)?$",
            description="postgresql://role[:password]@host:port/database",
            repr=False,
        ),
    ] = ""
    grafana_prometheus: Annotated[
        str,
        Field(pattern=rf"^(https?://{_USER}{_SERVER}({_PORT})?(/\S*)?)?$", description="http://host:port", repr=False),
    ] = ""
    smtp: Annotated[
        str, Field(pattern=rf"^({_SERVER}{_PORT})?$", description="host:port of the server that takes mails.")
    ] = ""
    smtp_tls: Annotated[bool, Field(description="Whether it must speak TLS.")] = True
    smtp_user: Annotated[str, Field(description="The name to log in under there; empty: without.")] = ""
    smtp_password: Annotated[str, Field(description="Its password.", repr=False)] = ""
    mail_from: Annotated[str, Field(description="The sender of mails.")] = "tengerim@localhost"
    mail_to: Annotated[str, Field(pattern=rf"^({_MAIL}(, *{_MAIL})*)?$", description="address[,address]")] = ""
    urgent_mail_to: Annotated[
        str, Field(pattern=rf"^({_MAIL}(, *{_MAIL})*)?$", description="address[,address], when nobody responds.")
    ] = ""
    zone_mail_to: Annotated[
        str,
        Field(
            pattern=rf"^([^=,\s\"]+={_MAIL}(,[^=,\s\"]+={_MAIL})*)?$",
            description="ZONE=address[,ZONE=address]: who hears of a zone's balance in addition.",
        ),
    ] = ""
    telegram_token: Annotated[str, Field(description="Token of a Telegram bot.", repr=False)] = ""
    telegram_chat: Annotated[int, Field(description="Number of the chat that the bot writes to.")] = 0
    webhook: Annotated[
        str,
        Field(
            pattern=rf"^(https?://{_USER}{_SERVER}({_PORT})?(/\S*)?)?$",
            description="http://host:port/path that takes Alertmanager's webhooks.",
        ),
    ] = ""
    oidc_issuer: Annotated[
        str,
        Field(
            pattern=rf"^({_SECURE}({_PORT})?(/[^\s?#]*)?)?$",
            description="https://host/path of the OIDC issuer; http on this machine only.",
        ),
    ] = ""
    oidc_audience: Annotated[str, Field(min_length=1, description="The audience that tokens must be for.")] = "tengerim"
    oidc_client_id: Annotated[str, Field(min_length=1, description="The client that people log in by.")] = "tengerim"
    oidc_client_secret: Annotated[str, Field(description="Its secret; empty: it has none.", repr=False)] = ""
    oidc_roles_claim: Annotated[str, Field(min_length=1, description="The claim that has the roles.")] = (
        "realm_access.roles"
    )
    oidc_entity_claim: Annotated[
        str, Field(min_length=1, description="The claim that has the entity whose data alone the user sees.")
    ] = "entity"
    requests_per_minute: Annotated[
        int, Field(ge=1, le=1_000_000, description="Requests that each user, or unknown address, may make a minute.")
    ] = 1200
    trusted_proxies: Annotated[
        str,
        Field(
            pattern=rf"^({_NETWORK}(, *{_NETWORK})*)?$",
            description="address[/bits][,address[/bits]] of proxies whose X-Forwarded-For and -Proto are believed.",
        ),
    ] = ""
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def grace(self) -> timedelta:
        """How long after its end an interval is still on time."""
        return timedelta(seconds=self.grace_s)
