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

  // at most about so many letters a line; names are cut where they are longer than the picture is wide
  function wrapped(text) {
    return String(text).split(" ").reduce(function (lines, word) {
      const last = lines[lines.length - 1];
      if (last && (last + " " + word).length <= 16) lines[lines.length - 1] = last + " " + word;
      else lines.push(word);
      return lines;
    }, []).join("<br>");
  }

  function narrow(name, figure) {
    const layout = figure.layout;
    layout.font = Object.assign({}, layout.font, { size: 11 });
    if (layout.showlegend) {
      Object.assign(layout.legend, { y: -0.35, yanchor: "top" });
      layout.margin.t = 24; // only the legend needed more
    }
    if (name === "week" || name === "busy") layout.uniformtext = { minsize: 6, mode: "show" };
    if (name === "call") {
      layout.margin.r = 16;
      figure.data.forEach(function (trace) { // no room: the list below tells it
        if (trace.type === "bar") trace.textposition = "none";
        else trace.mode = "markers";
      });
    }
    figure.data.forEach(function (trace) {
      if (trace.orientation !== "h" || name === "call") return;
      layout.xaxis.nticks = 4;
      trace.y = trace.y.map(wrapped);
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
    if (place.clientWidth < 480) narrow(place.dataset.chart, figure);
    const options = { displayModeBar: false, displaylogo: false, responsive: true };
    return window.Plotly.react(place, figure.data, layout, options);
  }

  // one after the other: the first picture is seen before the last is drawn
  async function all() {
    for (const place of charts) {
      await draw(place);
      await new Promise(function (shown) { setTimeout(shown); });
    }
    document.documentElement.dataset.drawn = String(charts.length);
  }

  all();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
})();
