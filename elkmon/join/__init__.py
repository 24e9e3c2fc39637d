"""Late labels written onto their predictions, in Elasticsearch."""
