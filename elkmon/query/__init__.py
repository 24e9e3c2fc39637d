"""What every question shares: model, span, groups and conditions, and the shape of a result."""
