"""Label coverage: how much is labelled, and how long labels take."""
