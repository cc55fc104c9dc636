"""Mirrors the packages, one folder each."""
