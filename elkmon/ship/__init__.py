"""Ship events from files to their destination: Elasticsearch, or Logstash."""
