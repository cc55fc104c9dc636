"""Whole days and small cases through the real servers, against what an independent road says."""
