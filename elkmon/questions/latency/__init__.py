"""Latency: how long predictions take."""
