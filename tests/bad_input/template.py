"""Texts as the table of bad input writes them."""

import re


def fits(text: str, template: str) -> bool:
    """Whether a text is a template, in which … stands for anything."""
    pattern = ".*".join(re.escape(part) for part in template.split("…"))
    return re.fullmatch(pattern, text, re.DOTALL) is not None
