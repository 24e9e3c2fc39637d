"""Drive a headless Chromium by its DevTools protocol over a pipe."""

import base64
import json
import os
import subprocess
import tempfile
from pathlib import Path
from select import select

PATIENCE = 60
"""Seconds after which a silent browser counts as hanging."""
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
    """One browser process; pages are opened in it one after the other."""

    def __init__(self, program):
        self._home = tempfile.TemporaryDirectory(prefix="chromium-")
        (browser_in, self._out), (self._in, browser_out) = os.pipe(), os.pipe()
        # the browser reads the protocol on descriptor 3 and writes it on 4
        shell = 'exec "$@" 3<&"$IN" 4>&"$OUT"'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "bash", program, *FLAGS, f"--user-data-dir={self._home.name}"],
            pass_fds=(browser_in, browser_out),
            env={**os.environ, "IN": str(browser_in), "OUT": str(browser_out)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(browser_in)
        os.close(browser_out)
        self._buffer = b""
        self._number = 0
        self.events = []

    def close(self):
        self.call("Browser.close")
        self._process.wait(timeout=20)
        os.close(self._out)
        os.close(self._in)
        self._home.cleanup()

    def call(self, method, session=None, **parameters):
        """Call a method and return its result; events that arrive meanwhile are kept."""
        self._number += 1
        request = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            request["sessionId"] = session
        os.write(self._out, json.dumps(request).encode() + b"\0")
        while True:
            message = self._read()
            if message.get("id") == self._number:
                assert "error" not in message, message["error"]
                return message["result"]
            self.events.append(message)

    def _read(self):
        while b"\0" not in self._buffer:
            assert select([self._in], [], [], PATIENCE)[0], "the browser does not answer"
            data = os.read(self._in, 1 << 20)
            assert data, "the browser has ended"
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


class Page:
    """A page in one theme and width, opened and completely drawn."""

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
        """Run code in the page and return its value."""
        response = self.call(
            "Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in response, response["exceptionDetails"]
        return response["result"].get("value")

    def requests(self):
        """Return the addresses that the page requested, without its own."""
        requests = self._params({"Network.requestWillBeSent"})
        return [item["request"]["url"] for item in requests if item["type"] != "Document"]

    def complaints(self):
        """Return messages on the console and uncaught exceptions."""
        return self._params(
            {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
        )

    def _params(self, methods):
        self.evaluate("0")  # when it returns, all earlier events have arrived
        return [
            event["params"]
            for event in self._browser.events
            if event.get("sessionId") == self._session and event["method"] in methods
        ]

    def hover(self, selector):
        """Move the pointer over the middle of an element; return the text of the tooltip."""
        middle = (
            f"(() => {{ const it = document.querySelector({json.dumps(selector)});"
            " it.scrollIntoView({block: 'center'}); const box = it.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2] })()"
        )
        tooltip = "document.querySelector('#vg-tooltip-element.visible')?.innerText"
        for attempt in range(200):
            x, y = self.evaluate(middle)
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x + attempt % 2, y=y)
            frame = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
            self.evaluate(frame)
            if self.evaluate(tooltip):
                break
        return self.evaluate(tooltip)

    def screenshot(self, path, *, whole=True, height=900):
        if whole:
            height = self.evaluate("document.documentElement.scrollHeight")
        image = self.call(
            "Page.captureScreenshot",
            captureBeyondViewport=True,
            clip={"x": 0, "y": 0, "width": self.evaluate("innerWidth"), "height": height,
                  "scale": 1},
        )  # fmt: skip
        Path(path).write_bytes(base64.b64decode(image["data"]))

    def pdf(self, path):
        """Print the page, regardless of the emulated medium."""
        self.call("Emulation.setEmulatedMedia", media="")
        document = self.call("Page.printToPDF", printBackground=True, paperWidth=8.27,
                             paperHeight=11.69)  # fmt: skip
        Path(path).write_bytes(base64.b64decode(document["data"]))

    def close(self):
        self._browser.call("Target.closeTarget", targetId=self._target)
