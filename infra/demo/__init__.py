"""The demonstration: a fleet like the country's, its operating days, and what its meters send."""
