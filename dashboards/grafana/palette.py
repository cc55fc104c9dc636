"""Colours, the same for the same thing everywhere, legible on dark and light and without telling red from green."""

PLAN = "#8a96a0"
FACT = "#2f8fce"
# Above and below the plan; of a balance: deficit and surplus.
OVER = "#e07b30"
UNDER = "#2f8fce"
FAR_OVER = "#b8470a"
FAR_UNDER = "#0b5e94"
CALM = "#8a96a0"
HIGH = "#d6455d"
MEDIUM = "#e07b30"
LOW = "#c2a02c"
PRIORITIES = {"high": HIGH, "medium": MEDIUM, "low": LOW}
