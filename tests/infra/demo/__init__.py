"""Tests of the demonstration fleet and its operating days."""
