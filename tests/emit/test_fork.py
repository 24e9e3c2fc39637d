"""A forked child and its parent lose nothing, and write to files of their own."""

import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from tests.support.emitting_processes import (
    LOG,
    complete,
    files,
    is_locked,
    read,
    run,
    start,
    whole,
)

EMIT = """
def emit(name, number=50):
    return [
        log.prediction(label="a", score=0.5, duration=0.01, id=f"{name}-{n}") for n in range(number)
    ]
"""
SET_UP = LOG + EMIT


def expected(*names, number=50):
    return sorted(f"{name}-{n}" for name in names for n in range(number))


def own_files(found, folder):
    """Each process has files of its own: no file holds two entities, or two process ids."""
    for file in files(folder):
        events = read(file).events
        assert len({(e["process"]["pid"], e["process"]["entity_id"]) for e in events}) == 1


@pytest.mark.parametrize("before", ["", "emit('before')"], ids=["unused", "used"])
def test_a_child_and_its_parent_lose_nothing(tmp_path, before):
    script = f"""
{before}
pid = os.fork()
emit("child" if pid == 0 else "parent")
if pid == 0:
    sys.exit()
os.waitpid(pid, 0)
emit("after")
"""
    run(script, tmp_path, set_up=SET_UP)

    found = whole(tmp_path)
    names = ["child", "parent", "after"] + (["before"] if before else [])
    assert sorted(found.ids()) == expected(*names)
    assert len(found.sequences()) == 2
    complete(found)
    own_files(found, tmp_path)


def test_a_child_that_leaves_by_os_exit_loses_nothing(tmp_path):
    script = """
emit("before")
pid = os.fork()
if pid == 0:
    emit("child")
    os._exit(0)
os.waitpid(pid, 0)
emit("parent")
"""
    run(script, tmp_path, set_up=SET_UP)

    found = whole(tmp_path)
    assert sorted(found.ids()) == expected("before", "child", "parent")
    complete(found)


def test_the_parent_numbers_its_events_on(tmp_path):
    script = """
emit("before", 3)
pid = os.fork()
if pid == 0:
    emit("child", 5)
    os._exit(0)
os.waitpid(pid, 0)
emit("after", 3)
"""
    run(script, tmp_path, set_up=SET_UP)

    parent, child = sorted(whole(tmp_path).sequences().values(), key=len, reverse=True)
    assert parent == [1, 2, 3, 4, 5, 6, 7]  # and the last line
    assert child == [1, 2, 3, 4, 5]


def test_the_figures_of_a_child_are_its_own(tmp_path):
    script = """
emit("before", 3)
pid = os.fork()
if pid == 0:
    emit("child", 2)
    print(elkmon.stats().accepted, elkmon.stats().written, flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print(elkmon.stats().accepted, elkmon.stats().written)
"""
    out, _ = run(script, tmp_path, set_up=SET_UP)

    assert out.split() == ["2", "2", "3", "3"]


def test_a_child_that_logs_nothing_makes_no_file(tmp_path):
    run("emit('x')\nif os.fork(): os.wait()", tmp_path, set_up=SET_UP)

    assert len(files(tmp_path)) == 1


def test_a_child_does_not_keep_the_parents_file_locked(tmp_path):
    script = """
emit("parent")
pid = os.fork()
if pid == 0:
    sys.stdin.read()
    os._exit(0)
elkmon.emit.flush()
print("closed", flush=True)
os.waitpid(pid, 0)
"""
    process = start(script, tmp_path, set_up=SET_UP, stdin=subprocess.PIPE)
    assert process.stdout.readline() == b"closed\n"
    (file,) = files(tmp_path)
    locked = is_locked(file)
    process.communicate()

    assert not locked


def test_a_child_drops_the_descriptor_that_it_inherited(tmp_path):
    script = """
emit("parent")
if os.fork() == 0:
    os.system(f"ls -l /proc/{os.getpid()}/fd | grep -c ndjson")
    os._exit(0)
os.wait()
"""
    out, _ = run(script, tmp_path, set_up=SET_UP)

    assert out == "0\n"


def test_the_parents_file_stays_locked_when_a_child_lets_go_of_it(tmp_path):
    script = """
emit("parent")
if os.fork() == 0:
    os._exit(0)
os.wait()
print("waited", flush=True)
sys.stdin.read()
"""
    process = start(script, tmp_path, set_up=SET_UP, stdin=subprocess.PIPE)
    assert process.stdout.readline() == b"waited\n"
    (file,) = files(tmp_path)
    locked = is_locked(file)
    process.communicate()

    assert locked


@pytest.mark.parametrize("close_fds", [True, False])
def test_a_program_that_is_started_inherits_no_descriptor(tmp_path, close_fds):
    script = f"""
import subprocess
emit("parent")
print(subprocess.run(["ls", "-l", "/proc/self/fd"], close_fds={close_fds}, text=True,
                     capture_output=True).stdout)
"""
    out, _ = run(script, tmp_path, set_up=SET_UP, env={"ELKMON_ROTATE_BYTES": "5000"})

    assert len(files(tmp_path)) > 1  # also not by dup2
    assert "ndjson" not in out


def test_a_fork_while_other_threads_hold_the_lock(tmp_path):
    # -W: Python warns of forks in a process with threads, which is what is tried here
    script = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
stop = threading.Event()
def busy(name):
    n = 0
    while not stop.is_set():
        log.prediction(label="a", score=0.5, duration=0.01, id=f"{name}-{n}")
        n += 1
    counts.append((name, n))
counts = []
threads = [threading.Thread(target=busy, args=(f"thread{n}",)) for n in range(3)]
for thread in threads:
    thread.start()
for n in range(20):
    pid = os.fork()
    if pid == 0:
        emit(f"child{n}", 10)
        os._exit(0)
    os.waitpid(pid, 0)
stop.set()
for thread in threads:
    thread.join()
print(sum(n for _, n in counts))
"""
    # unmeasured: a fork while another thread is in coverage's own lock leaves a child that waits
    environment = {"ELKMON_ROTATE_BYTES": "100000", "COVERAGE_PROCESS_CONFIG": ""}
    out, _ = run(script, tmp_path, set_up=SET_UP, env=environment)

    found = whole(tmp_path)
    assert len(found.ids()) == int(out) + 200
    assert len(found.sequences()) == 21
    complete(found)
    own_files(found, tmp_path)


def test_grandchildren(tmp_path):
    script = """
emit("parent")
if os.fork() == 0:
    emit("child")
    if os.fork() == 0:
        emit("grandchild")
        os._exit(0)
    os.wait()
    os._exit(0)
os.wait()
"""
    run(script, tmp_path, set_up=SET_UP)

    found = whole(tmp_path)
    assert sorted(found.ids()) == expected("parent", "child", "grandchild")
    assert len(found.sequences()) == 3
    complete(found)


def test_a_fork_in_a_parent_whose_descriptor_somebody_closed(tmp_path):
    script = """
emit("before", 5)
os.closerange(3, 100)
if os.fork() == 0:
    emit("child", 5)
    os._exit(0)
os.wait()
"""
    run(script, tmp_path, set_up=SET_UP)

    found = whole(tmp_path)
    assert sorted(found.ids()) == expected("before", "child", number=5)
    assert len(found.sequences()) == 2


def test_a_fork_inside_of_a_prediction(tmp_path):
    script = """
with log.predict(features={"a": 1.0}, id="outer") as p:
    pid = os.fork()
    if pid == 0:
        log.info("in the child")
        os._exit(0)
    os.waitpid(pid, 0)
    p.label = "a"
"""
    run(script, tmp_path, set_up=SET_UP)

    found = whole(tmp_path)
    (line,) = found.of("elkmon.log")
    assert line["ml"]["prediction"]["id"] == "outer"
    assert len(found.sequences()) == 2
    complete(found)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_multiprocessing(tmp_path, method):
    script = tmp_path / "work.py"
    script.write_text(
        SET_UP
        + f"""
import multiprocessing
if __name__ == "__main__":
    emit("parent", 10)
    context = multiprocessing.get_context("{method}")
    children = [context.Process(target=emit, args=(f"child{{n}}",)) for n in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    emit("after", 10)
"""
    )
    environment = {**os.environ, "ELKMON_SPOOL": str(tmp_path / "spool")}
    done = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr
    found = whole(tmp_path / "spool")
    assert sorted(found.ids()) == sorted(
        expected("child0", "child1", "child2") + expected("parent", "after", number=10)
    )
    assert len(found.sequences()) == 4
    complete(found)
    own_files(found, tmp_path / "spool")


def test_a_pool_of_processes(tmp_path):
    script = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
emit("parent", 10)
with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
    list(pool.map(emit, [f"task{n}" for n in range(6)]))
"""
    run(script, tmp_path, set_up=SET_UP)

    found = whole(tmp_path)
    tasks = [f"task{n}" for n in range(6)]
    assert sorted(found.ids()) == sorted(expected(*tasks) + expected("parent", number=10))
    complete(found)


APPLICATION = """
import itertools
import os
import elkmon

log = elkmon.get_logger(model="fraud", version="1", task="binary")
log.deployment("1")
log.prediction(label="a", score=0.5, duration=0.01, id="warm-up")
numbers = itertools.count()

def application(environ, start_response):
    with log.predict(features={"a": 1.0}) as p:
        p.label, p.score = "a", 0.5
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [p.id.encode()]
"""


def test_gunicorn_that_loads_the_application_before_it_forks(tmp_path):
    (tmp_path / "serving.py").write_text(APPLICATION)
    spool = tmp_path / "spool"
    command = [
        sys.executable, "-m", "gunicorn", "--preload", "--workers", "3", "--bind", "127.0.0.1:0",
        "--chdir", str(tmp_path), "--worker-tmp-dir", str(tmp_path), "serving:application",
    ]  # fmt: skip
    environment = {**os.environ, "ELKMON_SPOOL": str(spool), "ELKMON_ROTATE_BYTES": "20000"}
    environment["HOME"] = environment["XDG_RUNTIME_DIR"] = str(tmp_path)
    server = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        address = next(
            line.split("Listening at: ")[1].split()[0]
            for line in server.stderr
            if "Listening at" in line
        )
        for line in server.stderr:
            if "Booting worker" in line:
                break
        answered = []
        for _ in range(300):
            with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - our own
                answered.append(answer.read().decode())
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)

    assert server.returncode == 0
    found = whole(spool)
    assert sorted(found.ids()) == sorted([*answered, "warm-up"])
    assert len(found.of("elkmon.deployment")) == 1
    assert len(found.sequences()) >= 2
    complete(found)
    own_files(found, spool)
    for file in files(spool):
        assert read(file).events[-1]["event"]["dataset"] == "elkmon.emitter"


def test_a_child_writes_beside_its_parent_whatever_the_directory(tmp_path):
    script = """
emit("parent")
os.mkdir("elsewhere")
os.chdir("elsewhere")
if os.fork() == 0:
    emit("child")
    os._exit(0)
os.wait()
"""
    run(script, "spool", set_up=SET_UP, cwd=tmp_path)

    assert sorted(whole(tmp_path / "spool").ids()) == expected("parent", "child")
