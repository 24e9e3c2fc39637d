"""What is emitted to files reaches its destination, and late labels their predictions."""
