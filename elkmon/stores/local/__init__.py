"""The local store: DuckDB over the files of a folder."""
