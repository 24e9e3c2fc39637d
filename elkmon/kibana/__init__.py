"""Provide the content of a Kibana space: data views, saved searches, dashboards, alert rules."""
