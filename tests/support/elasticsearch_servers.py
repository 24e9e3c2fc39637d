"""Start real Elasticsearch servers for tests, from Maven Central through a cache.

The distribution is that of Elastic's own integration tests: real Elasticsearch with few modules. It
refuses to run as root, so root runs it as ``nobody``. All worker processes of a test run share one
server of a kind; the run's first process stops them at the end.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.support.elasticsearch_plugin import add_plugin

VERSIONS = {"8.19": "8.19.0", "9.2": "9.2.4"}
JAVA = {"8.19": 17, "9.2": 21}
"""The oldest Java for each version."""
RUN = "ELKMON_TEST_SERVERS"
"""The variable that tells worker processes the folder of this run's servers."""
PASSWORD = "for-tests-only"  # noqa: S105 - for servers of one test run
QUICK = "-Xms512m -Xmx512m -XX:TieredStopAtLevel=1"
"""Java options for a quick start and little memory."""
_CACHE = Path(tempfile.gettempdir()) / f"elkmon-test-servers-{os.getuid()}"
_NOBODY = 65534
_PATIENCE = 180
_STARTED = []
"""Processes started here: Python warns about a running process that nobody refers to."""


@dataclass(frozen=True)
class Server:
    """A running server."""

    url: str
    version: str
    pid: int
    folder: str
    ca: str | None = None


def start(kind, *, secured=False):
    """Return the run's server of a version, and start it first if necessary."""
    run = Path(os.environ[RUN])
    name = f"{kind}-secured" if secured else kind
    with _locked(run / f"{name}.lock"):
        description = run / f"{name}.json"
        if description.exists():
            return Server(**json.loads(description.read_text()))
        server = launch(kind, run / name, secured=secured)
        description.write_text(json.dumps(asdict(server)))
        return server


def begin():
    """Create the folder of this run's servers, and tell it to the worker processes."""
    folder = Path(tempfile.mkdtemp(prefix="elkmon-servers-"))
    folder.chmod(0o755)  # the user nobody needs access to its folder in it
    os.environ[RUN] = str(folder)
    return folder


def end(run):
    """Stop this run's servers, and remove what they wrote."""
    for description in run.glob("*.json"):
        stop(Server(**json.loads(description.read_text())))
    for process in _STARTED:
        process.poll()  # so that Python knows it has ended
    shutil.rmtree(run, ignore_errors=True)


def launch(kind, folder, *, secured=False, port=None, java=QUICK):
    """Start a server in its own folder, and wait until it is ready."""
    home = _installed(kind, secured=secured)
    port = port or _free_port()
    config = folder / "config"
    if not config.exists():
        folder.mkdir(parents=True)
        shutil.copytree(home / "config", config)
        settings = _settings(folder, port, secured=secured)
        (config / "elasticsearch.yml").write_text(settings)
        options = config / "jvm.options"  # its garbage collector would log to the cache
        lines = options.read_text().splitlines(keepends=True)
        options.write_text("".join(line for line in lines if "Xlog" not in line))
    else:  # it is started again, with its old data
        text = (config / "elasticsearch.yml").read_text()
        (config / "elasticsearch.yml").write_text(
            re.sub("http.port: .*", f"http.port: {port}", text)
        )
    environ = {
        "PATH": os.environ["PATH"],
        "ES_JAVA_HOME": str(_java(kind)),
        "ES_JAVA_OPTS": java,
        "ES_PATH_CONF": str(config),
        "ES_TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
    }
    (folder / "tmp").mkdir(exist_ok=True)
    ca = None
    if secured:
        ca = _certify(home, config, environ)
    user = {}
    if os.getuid() == 0:
        _give_to_nobody(folder)
        user = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
    with (folder / "out.log").open("ab") as out:
        process = subprocess.Popen(
            [home / "bin" / "elasticsearch"],
            env=environ,
            cwd=folder,
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            **user,
        )
    scheme = "https" if secured else "http"
    server = Server(f"{scheme}://localhost:{port}", VERSIONS[kind], process.pid, str(folder), ca)
    _STARTED.append(process)
    _wait(server, process)
    return server


def stop(server, how=signal.SIGTERM):
    """Stop a server with all its processes, and wait until they have ended."""
    with suppress(ProcessLookupError):
        os.killpg(server.pid, how)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and _is_alive(server.pid):
        time.sleep(0.1)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)


def _is_alive(group):
    with suppress(ChildProcessError):
        os.waitpid(group, os.WNOHANG)
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _settings(folder, port, *, secured):
    lines = [
        "cluster.name: elkmon-tests",
        "node.name: test",
        "discovery.type: single-node",
        "network.host: 127.0.0.1",
        f"http.port: {port}",
        f"transport.port: {_free_port()}",
        f"path.data: {folder / 'data'}",
        f"path.logs: {folder / 'logs'}",
        "cluster.routing.allocation.disk.threshold_enabled: false",
        "cluster.max_shards_per_node: 20000",
        f"xpack.security.enabled: {'true' if secured else 'false'}",
        "xpack.security.autoconfiguration.enabled: false",
    ]
    if secured:
        lines += [
            "xpack.security.http.ssl.enabled: true",
            "xpack.security.http.ssl.key: http.key",
            "xpack.security.http.ssl.certificate: http.crt",
        ]
    return "\n".join(lines) + "\n"


def _certify(home, config, environ):
    """Create a certificate authority, a certificate for localhost, and the first password."""
    ca, ca_key = config / "ca.crt", config / "ca.key"
    if not ca.exists():
        openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
        _run([*openssl, "-keyout", ca_key, "-out", ca, "-subj", "/CN=elkmon test authority"])
        request = config / "http.csr"
        _run(
            f"openssl req -newkey rsa:2048 -nodes -keyout {config / 'http.key'} "
            f"-out {request} -subj /CN=localhost".split()
        )
        names = config / "names.ext"
        names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        _run(
            f"openssl x509 -req -in {request} -CA {ca} -CAkey {ca_key} -days 30 "
            f"-CAcreateserial -extfile {names} -out {config / 'http.crt'}".split()
        )
        keystore = [home / "bin" / "elasticsearch-keystore"]
        _run([*keystore, "create"], env=environ)
        _run([*keystore, "add", "-x", "bootstrap.password"], env=environ, input=PASSWORD.encode())
    return str(ca)


def _run(command, **options):
    result = subprocess.run(command, check=False, capture_output=True, **options)
    if result.returncode:
        output = f"{result.stdout.decode()}{result.stderr.decode()}"
        raise RuntimeError(f"{command[0]} failed: {output}")


def _wait(server, process):
    """Wait until a server is ready."""
    health = f"{server.url}/_cluster/health?wait_for_status=yellow&timeout=1s"
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        result = subprocess.run(
            [
                *f"curl -s -k -u elastic:{PASSWORD} -o {os.devnull} --max-time 5 -w".split(),
                "%{http_code}",
                health,
            ],
            check=False,
            capture_output=True,
        )
        if result.stdout == b"200":
            return
        time.sleep(0.3)
    out = (Path(server.folder) / "out.log").read_text(errors="replace")[-3000:]
    stop(server, signal.SIGKILL)
    raise RuntimeError(f"Elasticsearch {server.version} did not start:\n{out}")


def _installed(kind, *, secured):
    """Return the folder of a version's files; the cache gets it from Maven Central if needed."""
    version = VERSIONS[kind]
    home = _CACHE / f"elasticsearch-{version}"
    _CACHE.mkdir(mode=0o755, exist_ok=True)
    with _locked(_CACHE / "install.lock"):
        if not (home / ".whole").exists():
            shutil.rmtree(home, ignore_errors=True)
            with zipfile.ZipFile(_downloaded(version)) as archive:
                for member in archive.infolist():
                    path = Path(archive.extract(member, _CACHE))
                    mode = member.external_attr >> 16 & 0o777
                    path.chmod((mode or 0o644) | (0o111 if path.is_dir() else 0))
            (home / ".whole").touch()
        if secured:
            add_plugin(home, version, JAVA[kind], _java(kind))
    return home


def _downloaded(version):
    if shutil.which("mvn") is None:
        raise RuntimeError(
            "tests of Elasticsearch need Maven: apt-get install maven (or leave them out with "
            "ELKMON_SKIP=elasticsearch)"
        )
    name = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{version}:zip"
    target = _CACHE / "zip"
    _run(
        [
            *("mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"),
            *(f"-Dartifact={name}", f"-DoutputDirectory={target}"),
        ],
        cwd=_CACHE,
    )
    return target / f"elasticsearch-{version}.zip"


def _java(kind):
    """Return a Java that is new enough: JAVA_HOME, one of the system, or the one on the PATH."""
    minimum = JAVA[kind]
    homes = [os.environ.get("JAVA_HOME"), *sorted(map(str, Path("/usr/lib/jvm").glob("*")))]
    on_path = shutil.which("java")
    if on_path:
        homes.append(str(Path(on_path).resolve().parent.parent))
    for home in filter(None, homes):
        with suppress(OSError):
            match = re.search(r'JAVA_VERSION="(\d+)', (Path(home) / "release").read_text())
            if match and int(match[1]) >= minimum:
                return home
    raise RuntimeError(
        f"Elasticsearch {VERSIONS[kind]} needs Java {minimum} or later: install it, for example by "
        f"apt-get install openjdk-{minimum}-jre-headless, or set JAVA_HOME (or leave these tests "
        "out with ELKMON_SKIP=elasticsearch)"
    )


def _give_to_nobody(folder):
    os.chown(folder, _NOBODY, _NOBODY)
    for path in folder.rglob("*"):
        os.chown(path, _NOBODY, _NOBODY)


def _free_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


@contextmanager
def _locked(path):
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
