"""Define the five dashboards, one module each."""
