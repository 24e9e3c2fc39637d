"""Open the dashboards of a real Kibana in headless Chromium, and read their panels."""

import base64
import shutil
import time
from urllib.parse import quote

import orjson

from tests.support.browser import Browser

DASHBOARDS = ("overview", "quality", "errors", "data", "service")
_PATIENCE = 300
"""Seconds to wait for a dashboard to be drawn."""
_READ_PANELS = """JSON.stringify((() => {
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


class DashboardBrowser:
    """A browser for the dashboards of a prefix in a space."""

    def __init__(self, url, access, prefix, space):
        self._url, self._prefix, self._space = url, prefix, space
        self._browser = Browser(shutil.which("chromium"))
        target = self._browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._browser.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call("Network.enable")
        if access.api_key:
            authorization = f"ApiKey {access.api_key}"
        else:
            credentials = f"{access.username}:{access.password}".encode()
            authorization = f"Basic {base64.b64encode(credentials).decode()}"
        self._call("Network.setExtraHTTPHeaders", headers={"Authorization": authorization})
        size = {"width": 1700, "height": 3600, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)

    def close(self):
        self._browser.close()

    def open(self, name, since="now-7d", until="now"):
        """Open a dashboard, wait until it is drawn, and return its content."""
        path = f"/s/{self._space}/app/dashboards#/view/{self._prefix}-dashboard-{name}"
        suffix = "" if self._space == "default" else f"-{self._space}"
        time_range = quote(f"(time:(from:'{since}',to:'{until}'))", safe="()',:")
        self._call("Page.navigate", url="about:blank")  # leaves the dashboard before
        self._call("Page.navigate", url=f"{self._url}{path}{suffix}?_g={time_range}")
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            result = self._call("Runtime.evaluate", expression=_READ_PANELS, returnByValue=True)
            content = orjson.loads(result["result"].get("value") or "{}")
            if content.get("parts") and content["drawn"] == content["parts"] == content["panels"]:
                return content
            time.sleep(0.5)
        raise AssertionError(f"{name} is not drawn: {content}")

    def picture(self):
        """Return a screenshot as PNG."""
        return base64.b64decode(self._call("Page.captureScreenshot")["data"])

    def _call(self, method, **parameters):
        return self._browser.call(method, self._session, **parameters)
