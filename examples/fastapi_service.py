"""A FastAPI service whose answers are tracked. No middleware: five lines, which are marked.

pip install elkmon fastapi uvicorn
uvicorn fastapi_service:app --workers 2

curl localhost:8000/scores --json '{"amount": 990, "device": "web", "country": "fr"}'
curl -X PUT localhost:8000/scores/<id>/truth --json '{"label": "legit"}'
elkmon errors --by segment.country
"""

from fastapi import FastAPI
from pydantic import BaseModel

import elkmon  # 1

# It writes to files in ./elkmon-data; ELKMON_SPOOL and ELKMON_SERVICE say otherwise.
log = elkmon.get_logger(model="fraud", version="2.3.1", task="binary", positive="fraud")  # 2

app = FastAPI()


class Order(BaseModel):
    """What is to be judged."""

    amount: float
    device: str
    country: str


class Truth(BaseModel):
    """What turned out to be true."""

    label: str


def model(order: Order) -> float:
    """Stand in for a real model; it does not know every device."""
    return min(order.amount / 1000, 1.0) * {"web": 1.0, "ios": 0.4, "android": 0.6}[order.device]


@app.post("/scores")
def score(order: Order) -> dict[str, object]:
    """Judge an order. A device that the model does not know is a failed attempt, and a 500."""
    features = {"amount": order.amount, "device": order.device}
    with log.predict(features=features, segment={"country": order.country}) as p:  # 3
        p.score = model(order)
        p.label = "fraud" if p.score >= 0.5 else "legit"  # 4
    return {"id": p.id, "label": p.label, "score": p.score}


@app.put("/scores/{prediction}/truth", status_code=204)
def learn(prediction: str, truth: Truth) -> None:
    """Take what turned out to be true, days or weeks later, in whichever process."""
    log.label(prediction, truth.label)  # 5
