"""Compile and install the plugin that lets a test server store roles and API keys."""

import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

_SOURCE = Path(__file__).with_name("EmailAnalysis.java")
_NAME = "elkmon-email-analysis"
_DESCRIPTOR = """\
description=splits e-mail addresses
version=1
name={name}
classname=elkmon.tests.EmailAnalysis
java.version={java}
elasticsearch.version={version}
"""


def add_plugin(home, version, java, java_home):
    """Install the plugin in a server's folder unless it is there.

    Args:
        home: folder of the server's files.
        version: version of the server, which only takes plugins built for it.
        java: the oldest Java that the server runs on.
        java_home: folder of the Java to compile with.
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
        classes, plugin = folder / "classes", folder / "plugin"
        plugin.mkdir()
        subprocess.run(
            [compiler, "--release", str(java), "-cp", f"{home}/lib/*", "-d", classes, _SOURCE],
            check=True,
        )
        with zipfile.ZipFile(plugin / "plugin.jar", "w") as jar:
            for path in classes.rglob("*.class"):
                jar.write(path, path.relative_to(classes))
        text = _DESCRIPTOR.format(name=_NAME, java=java, version=version)
        (plugin / "plugin-descriptor.properties").write_text(text)
        shutil.move(plugin, target)
