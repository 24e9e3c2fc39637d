"""Logstash's pipelines: the rules that they go by, and their files with a user's settings."""
