"""Workers that fork, as those of Celery and gunicorn do: one loads the model, children answer.

pip install elkmon
python forking_worker.py 100
elkmon errors; elkmon models

There is nothing to set up in a child: a logger that was made before the fork writes to a file of
the child's own, and every event is in that file when the call returns. Only the file's last line,
which says how many events there were, is written at exit; processes that leave by os._exit, as
forked workers do, ask for it (with Celery, from the signal worker_process_shutdown).
"""

import multiprocessing
import sys
from contextlib import suppress

import elkmon

WORKERS = 2
log = elkmon.get_logger(model="spam", version="7", task="binary", positive="spam")


def score(text: str) -> float:
    """Stand in for a real model, which is large, and is loaded once, before the fork."""
    return 1 / len(text.split())  # of an empty message it knows nothing


def answer(text: str) -> None:
    """Do one task: a failure is logged, and the next task is taken."""
    with suppress(ZeroDivisionError), log.predict(features={"words": len(text.split())}) as p:
        p.score = score(text)
        p.label = "spam" if p.score > 0.25 else "ham"


def work(tasks: "multiprocessing.SimpleQueue[str | None]") -> None:
    """Take tasks until there are no more."""
    while (text := tasks.get()) is not None:
        answer(text)
    elkmon.emit.flush()


def main(messages: int) -> None:
    """Fork, and give out tasks."""
    fork = multiprocessing.get_context("fork")
    tasks = fork.SimpleQueue()
    log.deployment("7")  # written by the parent, which has a file of its own, too
    children = [fork.Process(target=work, args=(tasks,)) for _ in range(WORKERS)]
    for child in children:
        child.start()
    for number in range(messages):
        tasks.put("buy now " * (number % 5))  # every fifth message is empty
    for _ in children:
        tasks.put(None)
    for child in children:
        child.join()


main(int(sys.argv[1]))
