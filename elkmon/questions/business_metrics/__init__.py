"""Business and host metrics over time."""
