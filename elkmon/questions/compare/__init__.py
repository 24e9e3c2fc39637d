"""Two versions, or two windows, compared."""
