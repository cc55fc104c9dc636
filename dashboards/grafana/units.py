"""Units as they are written in the language of the dashboard. Nothing is scaled: a control room thinks in MW."""

from dashboards.grafana.words import Words


def mw(words: Words) -> str:
    """Mean power."""
    return f"suffix:{words('MW')}"


def mwh(words: Words) -> str:
    """Energy."""
    return f"suffix:{words('MWh')}"


def kwh(words: Words) -> str:
    """Energy of one channel."""
    return f"suffix:{words('kWh')}"
