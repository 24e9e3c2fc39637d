"""A nightly job that scores a whole table with scikit-learn, and tracks it in one call.

pip install elkmon scikit-learn
python batch_scoring.py scores.csv
elkmon models
"""

import csv
import sys
from pathlib import Path
from time import perf_counter

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import elkmon

log = elkmon.get_logger(model="tumour", version="1.4.0", task="binary", positive="malignant")

data = load_breast_cancer(as_frame=True)
names = data.target_names[data.target]
known, tonight, truth, _ = train_test_split(data.data, names, test_size=0.5, random_state=1)
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(known, truth)

started = perf_counter()
probability = model.predict_proba(tonight)[:, list(model.classes_).index("malignant")]
took = perf_counter() - started

# Columns of any library go in as they are; a single value holds for all rows.
ids = log.predictions(
    id=[f"patient-{row}" for row in tonight.index],  # one that whoever knows the truth has, too
    label=["malignant" if each >= 0.5 else "benign" for each in probability],
    score=probability,
    features=tonight,
    segment={"size": ["large" if each > 15 else "small" for each in tonight["mean radius"]]},
    duration=took / len(tonight),
)

with Path(sys.argv[1]).open("w", newline="", encoding="utf-8") as file:
    csv.writer(file).writerows(zip(ids, probability, strict=True))

stats = elkmon.stats()
print(f"scored {len(ids)}: {stats.written} events written, {sum(stats.dropped.values())} dropped")
