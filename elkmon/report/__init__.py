"""The error report: one self-contained page that people look at."""
