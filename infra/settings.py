"""Settings with every address filled: from the environment, else from the local stack."""

import difflib
import os
import re
from collections.abc import Iterable

from pydantic import ValidationError

from infra.stack.stack import Addresses, running
from infra.stack.state import NEEDED
from schemas.settings import Settings


class SettingsError(Exception):
    """A setting is missing or wrong; the text says which and what to do."""


def read() -> Settings:
    """The settings of the environment, addresses possibly empty."""
    _check_names(os.environ)
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        # Whoever reads the message need not read the password.
        value = re.sub(r"(?<=:)[^:/@]+(?=@)", "***", str(first["input"]))
        wanted = (Settings.model_fields[field].description or "").rstrip(".")
        problem = first["msg"].replace("Input", "is wrong: it")
        if first["type"] == "string_pattern_mismatch":
            problem = f"is not {wanted[:1].lower()}{wanted[1:]}"
        raise SettingsError(f"TENGERIM_{field.upper()}={value!r} {problem}; mend or unset it") from None


def _check_names(names: Iterable[str]) -> None:
    """A name that nearly is a setting's, silently ignored, would send work to the wrong place."""
    known = [field.upper() for field in Settings.model_fields]
    for name in names:
        prefix, _, rest = name.upper().partition("_")
        if prefix == "TENGERIM" and rest not in known and (near := difflib.get_close_matches(rest, known, 1, 0.7)):
            raise SettingsError(f"{name} is no setting; did you mean TENGERIM_{near[0]}? Mend or unset it")


def given(settings: Settings) -> Addresses:
    """The addresses that the environment gives; the local stack leaves these servers alone."""
    return Addresses(
        kafka=settings.kafka,
        database=settings.database,
        redis=settings.redis,
        prometheus=settings.prometheus,
        alertmanager=settings.alertmanager,
        grafana=settings.grafana,
    )


def load(*needed: str) -> Settings:
    """The settings with the local stack's addresses where the environment is silent: of all servers, or those named."""
    settings = read()
    local = running(settings.home)
    filled = {}
    for name in needed or NEEDED:
        if not getattr(settings, name):
            if local is None or not getattr(local, name):
                start = "start the local stack with `tengerim up`, or set" if name in NEEDED else "set"
                raise SettingsError(f"no address for {name}: {start} TENGERIM_{name.upper()}")
            filled[name] = getattr(local, name)
    return settings.model_copy(update=filled)
