"""Grafana's dashboards as code: a module a dashboard, in Kazakh, Russian and English from one table of words."""
