"""The dashboards of a real Kibana, opened in headless Chromium: what stands on their panels."""

import base64
import shutil
import time
from urllib.parse import quote

import orjson

from tests.support.browser import Browser

BOARDS = ("overview", "quality", "errors", "data", "service")
_PATIENCE = 300
"""Seconds until a dashboard that is not drawn is taken to hang."""
_LOOK = """JSON.stringify((() => {
  const all = (which, within = document) => [...within.querySelectorAll(which)];
  const title = e => e.querySelector('[data-test-subj^="embeddablePanelHeading-"]');
  const panels = which => all('[data-test-subj="embeddablePanel"]')
    .filter(e => title(e) && e.querySelector(which))
    .map(e => [title(e).dataset.testSubj.split('-')[1], e]);
  const parts = all('[data-shared-item]');
  const text = e => (e.querySelector('.lnsTableCell--multiline, .lnsTableCell--top') ?? e)
    .innerText.trim();
  const table = e => Object.values(all('[data-test-subj="dataGridRowCell"]', e)
    .reduce((rows, cell) => {
      const row = cell.dataset.gridcellVisibleRowIndex;
      (rows[row] ??= {})[cell.dataset.gridcellColumnId] = text(cell);
      return rows;
    }, {}));
  return {
    panels: all('.react-grid-item, [data-grid-row] .kbnGridPanel').length,
    parts: parts.length,
    drawn: parts.filter(e => e.dataset.renderComplete === 'true').length,
    errors: all('[data-test-subj="embeddableError"], [data-test-subj*="lens-failure"]')
      .map(e => e.innerText)
      .concat(panels('[data-test-subj="lens-message-list-trigger"]').map(([name]) => name)),
    numbers: Object.fromEntries(panels('.echMetricText__value')
      .map(([name, e]) => [name, e.querySelector('.echMetricText__value').innerText])),
    tables: Object.fromEntries(panels('[data-test-subj="lnsDataTable"]')
      .map(([name, e]) => [name, table(e)])),
  };
})())"""


class Dashboards:
    """A browser that shows the dashboards of a prefix in a space."""

    def __init__(self, url, access, prefix, space):
        self._url, self._prefix, self._space = url, prefix, space
        self._browser = Browser(shutil.which("chromium"))
        target = self._browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._browser.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call("Network.enable")
        if access.api_key:
            said = f"ApiKey {access.api_key}"
        else:
            said = f"{access.username}:{access.password}".encode()
            said = f"Basic {base64.b64encode(said).decode()}"
        self._call("Network.setExtraHTTPHeaders", headers={"Authorization": said})
        size = {"width": 1700, "height": 3600, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)

    def close(self):
        self._browser.close()

    def shown(self, board, since="now-7d", until="now"):
        """Open a dashboard, wait until it is drawn, and say what is on it."""
        path = f"/s/{self._space}/app/dashboards#/view/{self._prefix}-dashboard-{board}"
        of_space = "" if self._space == "default" else f"-{self._space}"
        time_shown = quote(f"(time:(from:'{since}',to:'{until}'))", safe="()',:")
        self._call("Page.navigate", url="about:blank")  # or the one before is still there
        self._call("Page.navigate", url=f"{self._url}{path}{of_space}?_g={time_shown}")
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            told = self._call("Runtime.evaluate", expression=_LOOK, returnByValue=True)["result"]
            found = orjson.loads(told.get("value") or "{}")
            if found.get("parts") and found["drawn"] == found["parts"] == found["panels"]:
                return found
            time.sleep(0.5)
        raise AssertionError(f"{board} is not drawn: {found}")

    def picture(self):
        """Give what is shown as a PNG."""
        return base64.b64decode(self._call("Page.captureScreenshot")["data"])

    def _call(self, method, **parameters):
        return self._browser.call(method, self._session, **parameters)
