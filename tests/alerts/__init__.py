"""Tests of alerts: conditions, the life of an alarm, suppression, figures; pure, no servers."""
