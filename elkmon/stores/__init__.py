"""Where events are kept, and the three questions that every store answers."""
