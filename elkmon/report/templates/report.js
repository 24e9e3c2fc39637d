"use strict";
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");

  const isDark = () => (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const say = () => button.setAttribute("aria-pressed", String(isDark()));
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    say();
  });
  dark.addEventListener("change", say);
  say();

  const font = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif";
  const config = {
    background: "transparent",
    font,
    view: { stroke: null },
    axis: {
      domainColor: "var(--line)", gridColor: "var(--grid)", tickColor: "var(--line)",
      labelColor: "var(--dim)", titleColor: "var(--dim)", labelFontSize: 12, titleFontSize: 12,
      titleFontWeight: "normal", labelPadding: 5,
    },
    axisX: { grid: false },
    legend: { labelColor: "var(--ink)", labelFontSize: 12, symbolSize: 90 },
  };
  const options = {
    mode: "vega-lite", renderer: "svg", actions: false, ast: true, defaultStyle: false, config,
    tooltip: { disableDefaultStyle: true },
  };

  const draw = async () => {
    for (const place of document.querySelectorAll("[data-plot]")) {
      const spec = JSON.parse(document.getElementById(place.dataset.plot).textContent);
      try {
        await vegaEmbed(place, spec, options);
      } catch (error) {
        place.textContent = "This plot could not be drawn; its figures are in the table.";
        console.error(error);
      }
    }
    root.dataset.drawn = "yes";
  };
  draw();
})();
