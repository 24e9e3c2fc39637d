"""The local store: the files of a folder, read by DuckDB."""
