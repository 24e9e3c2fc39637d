"""How figures look to people: numbers and times as text, tables, plots."""
