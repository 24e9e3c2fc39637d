"""Provide Logstash's pipelines: their rules, their files with a user's settings, their health."""
