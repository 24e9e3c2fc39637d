"""Fill in what turned out to be true: a file from the back office becomes labels.

pip install elkmon
python label_backfill.py truth.csv
elkmon errors; elkmon quality; elkmon labels

The file has a column for the prediction's id, the true class, and when it became known:

id,diagnosis,seen_at
patient-204,benign,2026-11-20T08:00:00Z
"""

import csv
import sys
from pathlib import Path

import elkmon

BATCH = 1_000

# The model's name is all that a label needs to find its prediction, beside its id.
log = elkmon.get_logger(model="tumour", task="binary", positive="malignant")


def write(rows: list[dict[str, str]]) -> None:
    """Write one batch of labels.

    Running it again does no harm: of labels that say the same of one prediction, one counts, and of
    corrections the one that was observed last.
    """
    log.labels(
        [row["id"] for row in rows],
        [row["diagnosis"] for row in rows],
        observed_at=[row["seen_at"] for row in rows],
        source="back office",
    )


batch: list[dict[str, str]] = []
with Path(sys.argv[1]).open(newline="", encoding="utf-8") as file:
    for row in csv.DictReader(file):
        if row["diagnosis"]:  # an empty cell: nobody knows yet
            batch.append(row)
        if len(batch) == BATCH:
            write(batch)
            batch = []
write(batch)
print(f"{elkmon.stats().written} labels written")
