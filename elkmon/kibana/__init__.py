"""What a space of Kibana has to hold: data views, saved searches, dashboards, alert rules."""
