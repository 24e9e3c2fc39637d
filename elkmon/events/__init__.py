"""What an event is: the field table, identity, classes, labels joined to predictions."""
