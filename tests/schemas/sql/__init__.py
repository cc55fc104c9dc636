"""Tests of the tables, views and functions."""
