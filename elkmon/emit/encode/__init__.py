"""Make lines of what the application hands over: one prediction, or a batch of columns."""
