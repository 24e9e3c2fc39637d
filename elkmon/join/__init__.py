"""Join late labels to their predictions, in Elasticsearch."""
