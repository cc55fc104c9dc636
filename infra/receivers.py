"""Who Alertmanager tells, and how: `alertmanager/alertmanager.yml` with its receivers filled from the settings.

The file has routes, grouping, repetition and inhibition; a receiver of it is a name. The settings say where mails, a
Telegram chat and a webhook are.
"""

from pathlib import Path
from typing import Any

import yaml

from schemas.settings import Settings

CONFIG = Path(__file__).parent / "alertmanager" / "alertmanager.yml"

# Receivers that wait for nobody's phone: a chat is for what is worth an interruption.
_QUIET = {"low"}


def filled(text: str, settings: Settings) -> str:
    """A configuration, given as text, with mail, Telegram and webhook of its receivers as the settings have them."""
    document: dict[str, Any] = yaml.safe_load(text)
    if settings.smtp:
        document["global"] = {**document.get("global", {}), **_smtp(settings)}
    names = [receiver["name"] for receiver in document["receivers"]]
    document["receivers"] = [{"name": name, **_channels(name, settings)} for name in names]
    zones = _zones(settings.zone_mail_to) if settings.smtp else {}
    for zone, address in sorted(zones.items()):
        name = f"zone {zone}"
        document["receivers"].append({"name": name, "email_configs": [_mail(address, settings)]})
        # First, and the others go on: a zone's own people hear of it in addition.
        route = {
            "matchers": [f'zone="{zone}"', 'class="balance"'], "receiver": name, "group_wait": "10s",
            "group_interval": "1m", "repeat_interval": "4h", "continue": True,
        }  # fmt: skip
        document["route"].setdefault("routes", []).insert(0, route)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _channels(name: str, settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    mail_to = settings.urgent_mail_to if name == "urgent" and settings.urgent_mail_to else settings.mail_to
    if settings.smtp and mail_to:
        found["email_configs"] = [_mail(mail_to, settings)]
    if settings.telegram_token and settings.telegram_chat and name not in _QUIET:
        found["telegram_configs"] = [
            {
                "bot_token": settings.telegram_token,
                "chat_id": settings.telegram_chat,
                "parse_mode": "",
                "message": _text(settings.language),
                "send_resolved": True,
            }
        ]
    if settings.webhook:
        found["webhook_configs"] = [{"url": settings.webhook, "send_resolved": True}]
    return found


def _smtp(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {
        "smtp_smarthost": settings.smtp,
        "smtp_from": settings.mail_from,
        "smtp_require_tls": settings.smtp_tls,
    }
    if settings.smtp_user:
        found |= {"smtp_auth_username": settings.smtp_user, "smtp_auth_password": settings.smtp_password}
    return found


def _mail(address: str, settings: Settings) -> dict[str, Any]:
    return {
        "to": address,
        "send_resolved": True,
        "headers": {"Subject": _subject(settings.language)},
        "html": "",
        "text": _text(settings.language),
    }


def _subject(language: str) -> str:
    """How many stand, and the first of them."""
    return (
        '{{ if eq .Status "firing" }}{{ with .CommonLabels.priority }}[{{ . | toUpper }}] {{ end }}'
        "{{ else }}[OK] {{ end }}{{ with index .Alerts 0 }}"
        f"{{{{ or .Annotations.summary_{language} .Annotations.summary }}}}"
        "{{ end }}{{ if gt (len .Alerts) 1 }} (+{{ len (slice .Alerts 1) }}){{ end }}"
    )


def _text(language: str) -> str:
    """Every alert: what, all about it, where to look. What Prometheus raises has one language."""
    return (
        '{{ range .Alerts }}{{ if eq .Status "firing" }}● {{ else }}✓ {{ end }}'
        f"{{{{ or .Annotations.summary_{language} .Annotations.summary }}}}\n"
        '{{ if eq .Status "firing" }}'
        f"{{{{ or .Annotations.description_{language} .Annotations.description }}}}\n"
        "{{ end }}{{ with .Annotations.link }}{{ . }}\n{{ end }}\n{{ end }}"
    )


def _zones(text: str) -> dict[str, str]:
    """Addresses by zone; of a zone that stands twice, all of them."""
    found: dict[str, list[str]] = {}
    for part in filter(None, text.split(",")):
        zone, _, address = part.partition("=")
        found.setdefault(zone, []).append(address)
    return {zone: ",".join(addresses) for zone, addresses in found.items()}
