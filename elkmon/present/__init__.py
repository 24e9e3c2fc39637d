"""Show figures to people: numbers and times as text, tables, plots."""
