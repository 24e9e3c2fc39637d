"""A headless Chromium, driven by its DevTools protocol over a pipe."""

import base64
import json
import os
import subprocess
import tempfile
from pathlib import Path
from select import select

PATIENCE = 60
"""Seconds until a browser that says nothing is taken to hang."""
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)


class Browser:
    """One process; pages are opened in it one after the other."""

    def __init__(self, program):
        self._home = tempfile.TemporaryDirectory(prefix="chromium-")
        (theirs_in, self._out), (self._in, theirs_out) = os.pipe(), os.pipe()
        # the protocol is spoken on descriptors 3 and 4
        shell = 'exec "$@" 3<&"$IN" 4>&"$OUT"'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "bash", program, *FLAGS, f"--user-data-dir={self._home.name}"],
            pass_fds=(theirs_in, theirs_out),
            env={**os.environ, "IN": str(theirs_in), "OUT": str(theirs_out)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._said = b""
        self._number = 0
        self.events = []

    def close(self):
        self.call("Browser.close")
        self._process.wait(timeout=20)
        os.close(self._out)
        os.close(self._in)
        self._home.cleanup()

    def call(self, method, session=None, **parameters):
        """Ask for something, and wait for its answer; events meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            said = self._read()
            if said.get("id") == self._number:
                assert "error" not in said, said["error"]
                return said["result"]
            self.events.append(said)

    def _read(self):
        while b"\0" not in self._said:
            assert select([self._in], [], [], PATIENCE)[0], "the browser does not answer"
            more = os.read(self._in, 1 << 20)
            assert more, "the browser has ended"
            self._said += more
        message, _, self._said = self._said.partition(b"\0")
        return json.loads(message)


class Page:
    """A page, opened in one theme and width, drawn to its end."""

    def __init__(self, browser, path, *, dark=False, width=1280, media="screen"):
        self._browser = browser
        self._target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=self._target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[theme])
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        browser.events.clear()
        self.call("Page.navigate", url=Path(path).absolute().as_uri())
        self.evaluate(
            "new Promise(done => { const look = () => document.documentElement?.dataset.drawn"
            " ? done() : setTimeout(look, 20); look(); })"
        )

    def call(self, method, **parameters):
        return self._browser.call(method, self._session, **parameters)

    def evaluate(self, code):
        """Run code in the page, and give what it comes to."""
        found = self.call(
            "Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def requests(self):
        """Give what the page asked for, itself not counted."""
        sent = [e["params"] for e in self._mine() if e["method"] == "Network.requestWillBeSent"]
        return [each["request"]["url"] for each in sent if each["type"] != "Document"]

    def complaints(self):
        """Give what stands on the console, and what was not caught."""
        wanted = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
        return [each["params"] for each in self._mine() if each["method"] in wanted]

    def _mine(self):
        self.evaluate("0")  # so that all that was said by now is here
        return [each for each in self._browser.events if each.get("sessionId") == self._session]

    def hover(self, selector):
        """Move the pointer over the middle of something; give the tooltip that comes up."""
        code = (
            f"(() => {{ const it = document.querySelector({json.dumps(selector)});"
            " it.scrollIntoView({block: 'center'}); const box = it.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2] })()"
        )
        shown = "document.querySelector('#vg-tooltip-element.visible')?.innerText"
        for attempt in range(200):
            x, y = self.evaluate(code)
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x + attempt % 2, y=y)
            frame = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
            self.evaluate(frame)
            if self.evaluate(shown):
                break
        return self.evaluate(shown)

    def screenshot(self, path, *, whole=True, height=900):
        if whole:
            height = self.evaluate("document.documentElement.scrollHeight")
        shot = self.call(
            "Page.captureScreenshot",
            captureBeyondViewport=True,
            clip={"x": 0, "y": 0, "width": self.evaluate("innerWidth"), "height": height,
                  "scale": 1},
        )  # fmt: skip
        Path(path).write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, path):
        """Print it, as on paper, whatever medium was emulated."""
        self.call("Emulation.setEmulatedMedia", media="")
        made = self.call("Page.printToPDF", printBackground=True, paperWidth=8.27,
                         paperHeight=11.69)  # fmt: skip
        Path(path).write_bytes(base64.b64decode(made["data"]))

    def close(self):
        self._browser.call("Target.closeTarget", targetId=self._target)
