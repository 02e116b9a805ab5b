// Draws each chart from the JSON beside it; colours of text, grid and paper come from the page's style sheet.
"use strict";
(function () {
  const charts = [...document.querySelectorAll("[data-chart]")];

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function axis(part) {
    return Object.assign({}, part, {
      gridcolor: colour("--grid"),
      zerolinecolor: colour("--line"),
      linecolor: colour("--line"),
      tickcolor: colour("--line"),
    });
  }

  function draw(place) {
    const figure = JSON.parse(document.getElementById("chart-" + place.dataset.chart).textContent);
    const layout = figure.layout;
    layout.font = Object.assign({}, layout.font, { color: colour("--text") });
    layout.xaxis = axis(layout.xaxis);
    layout.yaxis = axis(layout.yaxis);
    layout.hoverlabel = Object.assign({}, layout.hoverlabel, {
      bgcolor: colour("--paper"),
      bordercolor: colour("--line"),
      font: Object.assign({}, (layout.hoverlabel || {}).font, { color: colour("--text") }),
    });
    if (place.clientWidth < 480 && place.dataset.chart === "week") {
      figure.data.forEach(function (trace) { trace.textposition = "none"; }); // no room: hover and table tell it
    }
    const options = { displayModeBar: false, displaylogo: false, responsive: true };
    return window.Plotly.react(place, figure.data, layout, options);
  }

  function all() {
    Promise.all(charts.map(draw)).then(function () {
      document.documentElement.dataset.drawn = String(charts.length);
    });
  }

  all();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
})();
