"""Issues: exceptions and wrong answers that became more frequent, as one list."""
