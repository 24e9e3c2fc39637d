"""kill -9 anywhere loses nothing and doubles nothing; memory stays flat; a clean stop."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.bulk_proxy import Proxy
from tests.support.shipping import ELKMON, dead_letters, ids, many, write

COUNT = 4000


def start(folder, url, *more):
    return subprocess.Popen(
        [ELKMON, "ship", "--store", folder, "--to", url, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )


def finished(process):
    out, err = process.communicate(timeout=120)
    numbers = [int(n.replace(",", "")) for n in re.findall(r"[\d,]*\d", out)]
    assert numbers[0] == sum(numbers[1:4]), out
    return process.returncode, numbers, err


def test_kill_9_in_the_middle_of_a_bulk_loses_nothing_and_doubles_nothing(
    server_new, installed, prefix, tmp_path
):
    client = installed(server_new)
    folder = tmp_path / "spool"
    for number in range(4):
        write(folder, f"{number}.ndjson", *many(COUNT // 4, number * COUNT // 4, 1500), b"nonsense")
    running, kills = [], []

    def fault_of(when, how):
        def fault(request):
            if request.number < when:
                return None
            if request.number == when:
                running[-1].kill()
                kills.append(when)
            return how

        return fault

    for when, how in [(1, "drop"), (1, "lose"), (2, "cut"), (3, "lose"), (1, "cut"), (4, "drop"),
                      (2, "lose"), (3, "cut")]:  # fmt: skip
        with Proxy(server_new.url, fault_of(when, how)) as proxy:
            running.append(start(folder, proxy.url, "--moved"))
            running[-1].communicate(timeout=120)

    code, _, _ = finished(start(folder, server_new.url, "--moved"))

    assert len(kills) >= 4
    assert code == 0
    assert ids(client, prefix) == [f"e{n:07d}" for n in range(COUNT)]
    letters = {(letter["file"], letter["offset"]) for letter in dead_letters(folder)}
    assert len(letters) == 4


def test_a_clean_stop_sends_what_is_on_its_way_and_balances(
    server_new, installed, prefix, tmp_path
):
    client = installed(server_new)
    folder = tmp_path / "spool"
    write(folder, "a.ndjson", *many(COUNT, width=1500))
    with Proxy(server_new.url) as proxy:
        proxy.fault = lambda request: process.terminate() if request.number == 1 else None
        process = start(folder, proxy.url, "--follow")
        code, numbers, _ = finished(process)

    assert code == 0
    assert 0 < numbers[0] <= COUNT
    assert len(ids(client, prefix)) >= numbers[1]
    code, rest, _ = finished(start(folder, server_new.url, "--moved"))
    assert numbers[0] + rest[0] == COUNT
    assert len(ids(client, prefix)) == COUNT


def test_an_interrupted_pass_says_so_by_its_exit_code(server_new, installed, prefix, tmp_path):
    installed(server_new)
    folder = tmp_path / "spool"
    write(folder, "a.ndjson", *many(10))

    def interrupt(_request):
        process.send_signal(signal.SIGINT)
        return 503

    with Proxy(server_new.url, interrupt) as proxy:
        process = start(folder, proxy.url)
        code, numbers, err = finished(process)

    assert code == 130
    assert numbers[0] == 0
    assert "503" in err


def test_following_sends_what_is_written_meanwhile(server_new, installed, prefix, tmp_path):
    client = installed(server_new)
    folder = tmp_path / "spool"
    write(folder, "a.ndjson", *many(10))

    def goes_on(request):
        if request.number == 1:
            write(folder, "b.ndjson", *many(5, start=10))
        elif request.number == 2:
            process.terminate()

    with Proxy(server_new.url, goes_on) as proxy:
        process = start(folder, proxy.url, "--follow")
        code, numbers, _ = finished(process)

    assert code == 0
    assert numbers[:2] == [15, 15]
    assert len(ids(client, prefix)) == 15


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells a process's memory")
def test_memory_is_flat_while_the_destination_is_down_and_after(
    server_new, installed, prefix, tmp_path
):
    installed(server_new)
    folder = tmp_path / "spool"
    write(folder, "0.ndjson", *many(8000, width=1500))
    resident = []

    def down(request):
        status = Path(f"/proc/{process.pid}/status").read_text()
        resident.append(int(re.search(r"VmRSS:\s+(\d+)", status)[1]))
        if request.number == 10:
            for number in range(1, 4):
                write(folder, f"{number}.ndjson", *many(8000, 8000 * number, 1500))
        if request.lines[-1].count(b"e0031999"):
            process.terminate()
        return 503 if 10 <= request.number < 26 else "swallow"

    with Proxy(server_new.url, down) as proxy:
        process = start(folder, proxy.url, "--follow")
        code, numbers, _ = finished(process)

    assert code == 0
    assert numbers[:2] == [32_000, 32_000]
    assert max(resident) - resident[9] < 20 * 1024
