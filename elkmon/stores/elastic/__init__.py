"""The Elasticsearch store."""
