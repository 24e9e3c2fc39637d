"""The plugin that lets a server for tests keep roles and API keys: compiled once a version."""

import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

_SOURCE = Path(__file__).with_name("EmailAnalysis.java")
_NAME = "elkmon-email-analysis"
_DESCRIPTOR = """\
description=what splits e-mail addresses
version=1
name={name}
classname=elkmon.tests.EmailAnalysis
java.version={java}
elasticsearch.version={version}
"""


def add_plugin(home, version, java, java_home):
    """Put the plugin into a server's folder, if it is not there yet.

    Args:
        home: of the server's files.
        version: of the server, which takes plugins made for it only.
        java: the oldest Java that the server runs on.
        java_home: of the Java to compile with.
    """
    target = home / "plugins" / _NAME
    if target.exists():
        return
    compiler = Path(java_home) / "bin" / "javac"
    if not compiler.exists():
        raise RuntimeError(
            f"tests of Elasticsearch with security need a Java compiler, and {compiler} is not "
            f"there: apt-get install openjdk-{java}-jdk-headless (or leave these tests out with "
            "ELKMON_SKIP=elasticsearch)"
        )
    with tempfile.TemporaryDirectory(dir=home) as name:
        folder = Path(name)
        classes, made = folder / "classes", folder / "plugin"
        made.mkdir()
        subprocess.run(
            [compiler, "--release", str(java), "-cp", f"{home}/lib/*", "-d", classes, _SOURCE],
            check=True,
        )
        with zipfile.ZipFile(made / "plugin.jar", "w") as jar:
            for each in classes.rglob("*.class"):
                jar.write(each, each.relative_to(classes))
        text = _DESCRIPTOR.format(name=_NAME, java=java, version=version)
        (made / "plugin-descriptor.properties").write_text(text)
        shutil.move(made, target)
