"""Set up an Elasticsearch cluster: index templates, retention policy, roles and API keys."""
