"""Properties: any history of frames, ticks and imports, in any order, ends in the same tables."""
