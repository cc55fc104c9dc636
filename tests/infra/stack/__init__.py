"""Tests of the local stack: everything that can be, on the real servers."""
