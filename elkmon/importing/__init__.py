"""Import tables of predictions from CSV, NDJSON and Parquet files."""

from __future__ import annotations

from elkmon.importing.options import ImportOptions, ImportReport
from elkmon.importing.run import Progress, import_table

__all__ = ["ImportOptions", "ImportReport", "Progress", "import_table"]
