"""What an Elasticsearch cluster has to hold: templates, retention, roles and keys."""
