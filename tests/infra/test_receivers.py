"""Tests of infra.receivers: who is told of what, judged by Alertmanager's own tool."""

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.receivers import CONFIG, filled
from infra.stack.root import Root
from schemas.settings import Settings

SHIPPED = CONFIG.read_text(encoding="utf-8")
MAIL = {"smtp": "mail.test:587", "mail_to": "room@test"}
TELEGRAM = {"telegram_token": "7:token", "telegram_chat": -100}
EVERYTHING: dict[str, Any] = {
    **MAIL, **TELEGRAM, "smtp_user": "tengerim", "smtp_password": "p'a\"s: #s\\", "mail_from": "tengerim@test",
    "urgent_mail_to": "chief@test, deputy@test", "zone_mail_to": "NORTH=north@test,WEST=west@test",
    "webhook": "http://hook.test:8080/alarms",
}  # fmt: skip

Tool = Callable[..., str]


def settings_with(**given: Any) -> Settings:
    """Settings that say this, whatever the environment says."""
    silent: dict[str, Any] = {name: "" for name in Settings.model_fields if name.startswith(("smtp", "mail", "urgent"))}
    silent |= {"smtp_tls": True, "zone_mail_to": "", "telegram_token": "", "telegram_chat": 0, "webhook": ""}
    return Settings(**{**silent, "mail_from": "tengerim@localhost", "language": "ru", **given})


def document_with(**given: Any) -> dict[str, Any]:
    """The shipped configuration, filled."""
    document: dict[str, Any] = yaml.safe_load(filled(SHIPPED, settings_with(**given)))
    return document


def receivers_with(**given: Any) -> dict[str, dict[str, Any]]:
    """Its receivers by name."""
    return {receiver.pop("name"): receiver for receiver in document_with(**given)["receivers"]}


def mails_of(receiver: dict[str, Any]) -> list[str]:
    return [mail["to"] for mail in receiver.get("email_configs", [])]


def test_without_settings_nobody_is_told_and_the_rest_stays_as_it_was() -> None:
    assert document_with() == yaml.safe_load(SHIPPED)


def test_everybody_is_mailed_at_one_address() -> None:
    names = ("operations", "urgent", "high", "medium", "low")
    assert {name: mails_of(of) for name, of in receivers_with(**MAIL).items()} == {
        name: ["room@test"] for name in names
    }


def test_what_is_urgent_has_an_address_of_its_own() -> None:
    found = receivers_with(**MAIL, urgent_mail_to="chief@test")
    assert (mails_of(found["urgent"]), mails_of(found["high"])) == (["chief@test"], ["room@test"])


@pytest.mark.parametrize("given", [{"smtp": MAIL["smtp"]}, {"mail_to": "room@test", "zone_mail_to": "NORTH=n@test"}])
def test_nobody_is_mailed_without_an_address_and_a_server(given: dict[str, str]) -> None:
    assert all(not mails_of(of) for of in receivers_with(**given).values())
    assert set(receivers_with(**given)) == {"operations", "urgent", "high", "medium", "low"}


def test_the_server_of_mails_is_named_with_its_sender_and_tls() -> None:
    assert document_with(**MAIL, mail_from="we@test", smtp_tls=False)["global"] == {
        "smtp_smarthost": "mail.test:587", "smtp_from": "we@test", "smtp_require_tls": False,
    }  # fmt: skip


def test_who_logs_in_there_says_the_password_as_it_is() -> None:
    found = document_with(**EVERYTHING)["global"]
    assert (found["smtp_auth_username"], found["smtp_auth_password"]) == ("tengerim", "p'a\"s: #s\\")


def test_a_chat_is_not_bothered_with_what_is_low() -> None:
    found = receivers_with(**TELEGRAM)
    assert {name for name, of in found.items() if "telegram_configs" in of} == {
        "operations",
        "urgent",
        "high",
        "medium",
    }
    (telegram,) = found["high"]["telegram_configs"]
    assert (telegram["bot_token"], telegram["chat_id"], telegram["send_resolved"]) == ("7:token", -100, True)


@pytest.mark.parametrize("name", TELEGRAM)
def test_a_chat_needs_its_number_and_a_token(name: str) -> None:
    assert not any("telegram_configs" in of for of in receivers_with(**{name: TELEGRAM[name]}).values())


def test_a_webhook_hears_of_everything_and_of_its_end() -> None:
    told = [{"url": "http://hook.test/x", "send_resolved": True}]
    assert all(of == {"webhook_configs": told} for of in receivers_with(webhook="http://hook.test/x").values())


@pytest.fixture
def amtool(home: Path, stack: object) -> Iterator[Tool]:
    """Runs amtool on the shipped configuration, filled with everything, which it reads as the last argument says."""
    file = home / "conf" / f"test-{secrets.token_hex(6)}.yml"
    root = Root(home)

    def run(*arguments: str, text: str = filled(SHIPPED, settings_with(**EVERYTHING))) -> str:
        file.write_text(text, encoding="utf-8")
        return root.run("usr/bin/amtool", *arguments, root.path(file))

    yield run
    file.unlink(missing_ok=True)


@pytest.mark.stack
@pytest.mark.parametrize("given", [{}, MAIL, TELEGRAM, EVERYTHING], ids=["nothing", "mail", "telegram", "everything"])
def test_alertmanager_takes_the_filled_configuration(amtool: Tool, given: dict[str, Any]) -> None:
    said = amtool("check-config", text=filled(SHIPPED, settings_with(**given)))
    zones = 2 if "zone_mail_to" in given else 0
    assert f"{5 + zones} receivers" in said


def receivers_of(amtool: Tool, labels: str) -> list[str]:
    return amtool("config", "routes", "test", *labels.split(), "--config.file").split()[-1].split(",")


@pytest.mark.stack
@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ("priority=high class=data zone=NORTH", ["high"]),
        ("priority=urgent escalation=yes", ["urgent"]),
        ("priority=medium", ["medium"]),
        ("priority=low", ["low"]),
        ("severity=critical", ["operations"]),
        ("severity=warning priority=high", ["operations"]),
    ],
)
def test_who_is_told_follows_from_the_labels(amtool: Tool, labels: str, told: list[str]) -> None:
    assert receivers_of(amtool, labels) == told


@pytest.mark.stack
def test_a_zones_own_people_hear_of_its_balance_in_addition(amtool: Tool) -> None:
    told = amtool("config", "routes", "test", "zone=WEST", "class=balance", "priority=high", "--config.file")
    assert told.strip() == "zone WEST,high"
    assert mails_of(receivers_with(**EVERYTHING)["zone WEST"]) == ["west@test"]
    assert receivers_of(amtool, "zone=SOUTH class=balance priority=high") == ["high"]


# What Alertmanager gives to a template: two alerts, one of Prometheus with one language.
ALARM = {
    "Labels": {"priority": "high"},
    "Annotations": {
        "summary_ru": "Потеря", "description_ru": "Что делать: звонить", "summary_kk": "Жоғалту",
        "description_kk": "Қоңырау шалыңыз", "link": "http://room.test/alarms/7",
    },
}  # fmt: skip
MEDIUM = {**ALARM, "Labels": {"priority": "medium"}}
OURS = {"Labels": {"severity": "critical"}, "Annotations": {"summary": "ill", "description": "see status"}}


@pytest.fixture
def render(home: Path, stack: object) -> Iterator[Tool]:
    """Renders a template as Alertmanager would."""
    data = home / "conf" / f"test-{secrets.token_hex(6)}.json"
    root = Root(home)

    def run(template: str, *alerts: dict[str, Any], status: str = "firing") -> str:
        common = dict(set.intersection(*(set(of["Labels"].items()) for of in alerts)))
        data.write_text(
            json.dumps(
                {
                    "receiver": "high",
                    "status": status,
                    "commonLabels": common,
                    "groupLabels": {},
                    "commonAnnotations": {},
                    "externalURL": "",
                    "alerts": [
                        {"status": status, "labels": of["Labels"], "annotations": of["Annotations"]} for of in alerts
                    ],
                }
            )
        )
        # It wants a file of templates, too; any will do.
        return root.run(
            "usr/bin/amtool", "template", "render", f"--template.text={template}",
            f"--template.glob={root.path(data)}", f"--template.data={root.path(data)}",
        )  # fmt: skip

    yield run
    data.unlink(missing_ok=True)


def mail_with(**given: Any) -> dict[str, Any]:
    (mail,) = receivers_with(**EVERYTHING, **given)["high"]["email_configs"]
    found: dict[str, Any] = mail
    return found


@pytest.mark.stack
def test_a_subject_names_the_first_alarm_and_counts_the_others(render: Tool) -> None:
    subject = mail_with()["headers"]["Subject"]
    assert render(subject, ALARM).strip() == "[HIGH] Потеря"
    assert render(subject, ALARM, ALARM, ALARM).strip() == "[HIGH] Потеря (+2)"
    assert render(subject, ALARM, status="resolved").strip() == "[OK] Потеря"


@pytest.mark.stack
def test_a_text_says_what_to_do_and_where_to_look_in_the_language_that_is_set(render: Tool) -> None:
    mail = mail_with(language="kk")
    assert mail["html"] == ""
    said = render(mail["text"], ALARM, OURS)
    assert said.split("\n")[:3] == ["● Жоғалту", "Қоңырау шалыңыз", "http://room.test/alarms/7"]
    assert "● ill\nsee status\n" in said
    assert "Потеря" not in said


@pytest.mark.stack
def test_the_end_of_an_alarm_is_told_without_what_to_do(render: Tool) -> None:
    (telegram,) = receivers_with(**TELEGRAM)["high"]["telegram_configs"]
    said = render(telegram["message"], ALARM, status="resolved")
    assert said.startswith("✓ Потеря\n")
    assert "звонить" not in said


@pytest.mark.stack
@pytest.mark.parametrize("alerts", [[OURS], [ALARM, MEDIUM]], ids=["of the pipeline", "of a zone"])
def test_a_subject_has_no_empty_brackets_where_there_is_no_one_priority(
    render: Tool, alerts: list[dict[str, Any]]
) -> None:
    assert "[]" not in render(mail_with()["headers"]["Subject"], *alerts)
