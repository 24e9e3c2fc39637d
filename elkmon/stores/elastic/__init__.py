"""The same three questions, answered by Elasticsearch."""
