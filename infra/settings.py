"""Settings with every address filled: from the environment, else from the local stack."""

from pydantic import ValidationError

from infra.stack.stack import Addresses, running
from schemas.settings import Settings


class SettingsError(Exception):
    """A setting is missing or wrong; the text says which and what to do."""


def read() -> Settings:
    """The settings of the environment, addresses possibly empty."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "TENGERIM_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{name}={first.get('input')!r}: {first['msg']}; mend or unset it") from None


def given(settings: Settings) -> Addresses:
    """The addresses that the environment gives; the local stack leaves these servers alone."""
    return Addresses(
        kafka=settings.kafka,
        database=settings.database,
        redis=settings.redis,
        prometheus=settings.prometheus,
        alertmanager=settings.alertmanager,
    )


def load(*needed: str) -> Settings:
    """The settings with the local stack's addresses where the environment is silent: of all servers, or those named."""
    settings = read()
    local = running(settings.home)
    filled = {}
    for name in needed or Addresses.__dataclass_fields__:
        if not getattr(settings, name):
            if local is None:
                raise SettingsError(
                    f"no address for {name}: start the local stack with `tengerim up`, or set TENGERIM_{name.upper()}"
                )
            filled[name] = getattr(local, name)
    return settings.model_copy(update=filled)
