"use strict";
// Draws the plots of a forecast, in the reader's own colours, again when those change.
(function () {
  const forecasts = JSON.parse(document.getElementById("forecasts").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const printing = window.matchMedia("print");
  const narrow = window.matchMedia("(max-width: 40rem)");
  const dashes = ["solid", "dash", "dot", "dashdot"];
  // Blue, orange, magenta and grey differ for every kind of colour vision.
  const palettes = {
    light: { notified: "#77808c", succeeded: "#0b6e8a", unsuccessful: "#c45a00", bricked: "#b0124f",
             bytesPerSecond: "#0b6e8a", ink: "#1d2430", ground: "#ffffff", line: "#d9dee6", abort: "#b3261e" },
    dark: { notified: "#9aa5b4", succeeded: "#58c4dc", unsuccessful: "#ffa94d", bricked: "#ff7eb0",
            bytesPerSecond: "#58c4dc", ink: "#e6eaf0", ground: "#12161c", line: "#323b47", abort: "#ff8a7a" },
  };
  const words = { notified: "notified", succeeded: "succeeded", unsuccessful: "not successful",
                  bricked: "bricked", bytesPerSecond: "all downloads" };
  const ends = Math.max(...forecasts.map((f) => f.curves.minutes[f.curves.minutes.length - 1]));
  const unit = ends > 4 * 1440 ? { per: 1440, name: "days" }
    : ends > 180 ? { per: 60, name: "hours" } : { per: 1, name: "minutes" };

  function faded(colour, alpha) {
    const part = (at) => parseInt(colour.slice(at, at + 2), 16);
    return `rgba(${part(1)},${part(3)},${part(5)},${alpha})`;
  }

  function traces(series, palette) {
    const all = [];
    forecasts.forEach((forecast, index) => {
      const x = forecast.curves.minutes.map((minute) => minute / unit.per);
      const suffix = forecasts.length > 1 ? ` · ${forecast.name}` : "";
      for (const name of series) {
        const band = forecast.curves[name];
        const step = name === "bytesPerSecond" ? "linear" : "hv";
        const edge = { x, mode: "lines", line: { width: 0, shape: step }, hoverinfo: "skip",
                       showlegend: false };
        all.push({ ...edge, y: band.p5 });
        all.push({ ...edge, y: band.p95, fill: "tonexty",
                   fillcolor: faded(palette[name], index ? 0.12 : 0.22) });
        all.push({ x, y: band.median, mode: "lines", name: words[name] + suffix,
                   customdata: band.p5.map((low, at) => [low, band.p95[at]]),
                   hovertemplate: "%{y:,.3s} (%{customdata[0]:,.3s} to %{customdata[1]:,.3s})",
                   line: { color: palette[name], width: 2, shape: step, dash: dashes[index % 4] } });
      }
    });
    return all;
  }

  // The moment of the abort: a line at its median, a shade over its band, and what it cost.
  function abortMarks(palette) {
    const shapes = [], annotations = [];
    forecasts.forEach((forecast, index) => {
      const at = forecast.abort.seconds;
      if (!at) return;
      const x = (seconds) => seconds / 60 / unit.per;
      shapes.push({ type: "rect", yref: "paper", y0: 0, y1: 1, x0: x(at.p5), x1: x(at.p95),
                    fillcolor: faded(palette.abort, 0.1), line: { width: 0 }, layer: "below" });
      shapes.push({ type: "line", yref: "paper", y0: 0, y1: 1, x0: x(at.median), x1: x(at.median),
                    line: { color: palette.abort, width: 1.5, dash: dashes[index % 4] } });
      const count = Math.round(forecast.abort.bricked.median).toLocaleString("en");
      // A phone has room for the count alone: which forecast it is, the dashes say.
      const name = forecasts.length > 1 ? `${forecast.name}: ` : "";
      const text = narrow.matches ? `aborted,<br>${count} bricked`
        : `${name}aborted, ${count} bricked by then`;
      const late = x(at.median) > ends / unit.per / 2;
      annotations.push({ x: x(at.median), yref: "paper", yanchor: "top", align: "left", text,
                         y: 1 - (narrow.matches ? 0.3 : 0.09) * index, showarrow: false,
                         xanchor: late ? "right" : "left", xshift: late ? -6 : 6,
                         bgcolor: faded(palette.ground, 0.8),
                         font: { color: palette.abort, size: 13 } });
    });
    return { shapes, annotations };
  }

  function withoutAbortMarks(palette, logarithmic) {
    const shapes = [], annotations = [], seen = new Set();
    forecasts.forEach((forecast, index) => {
      const count = forecast.bricked.withoutAbort.median;
      if (!forecast.abort.seconds || !count || seen.has(count)) return;
      seen.add(count);
      const differ = forecasts.some((f) => f.bricked.withoutAbort.median !== count);
      const name = differ ? `${forecast.name}: ` : "";
      shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, y0: count, y1: count,
                    line: { color: palette.bricked, width: 1.5, dash: "dot" } });
      annotations.push({ xref: "paper", x: 1, xanchor: "right", y: logarithmic ? Math.log10(count) : count, yanchor: "bottom",
                         yshift: 16 * index, showarrow: false,
                         text: `${name}${Math.round(count).toLocaleString("en")} `
                           + (narrow.matches ? "with no abort" : "would have been bricked with no abort"),
                         font: { color: palette.bricked, size: 13 } });
    });
    return { shapes, annotations };
  }

  function layout(palette, yTitle, marks, extra) {
    const axis = { gridcolor: palette.line, linecolor: palette.line, zerolinecolor: palette.line };
    return {
      margin: { l: 64, r: 16, t: 36, b: 48 }, hovermode: "x unified",
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "inherit", color: palette.ink, size: 13 },
      hoverlabel: { bgcolor: dark.matches && !printing.matches ? "#1b2129" : "#ffffff" },
      legend: { orientation: "h", traceorder: "normal", x: 0, y: 1.02, yanchor: "bottom" },
      xaxis: { ...axis, title: { text: `${unit.name} since the job was created` }, range: [0, ends / unit.per],
               hoverformat: ".3~f" },
      yaxis: { ...axis, title: { text: yTitle }, rangemode: "tozero", tickformat: "~s", ...extra },
      ...marks,
    };
  }

  function joined(...marks) {
    return { shapes: marks.flatMap((m) => m.shapes), annotations: marks.flatMap((m) => m.annotations) };
  }

  function draw() {
    const palette = palettes[dark.matches && !printing.matches ? "dark" : "light"];
    const options = { responsive: true, displaylogo: false,
                      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
    const aborts = abortMarks(palette);
    Plotly.react("things", traces(["notified", "succeeded", "unsuccessful"], palette),
                 layout(palette, "things", aborts), options);
    // What is bricked at an abort and without one are far apart: a logarithmic axis shows both.
    const most = Math.max(...forecasts.flatMap((f) => f.curves.bricked.p95),
                          ...forecasts.map((f) => f.bricked.withoutAbort.median));
    const wide = forecasts.some((f) => f.abort.seconds) && most > 20;
    const losses = withoutAbortMarks(palette, wide);
    Plotly.react("bricked", traces(["bricked"], palette),
                 layout(palette, wide ? "things (logarithmic)" : "things",
                        joined({ shapes: aborts.shapes, annotations: [] }, losses),
                        wide ? { type: "log", range: [Math.log10(0.7), Math.log10(most * 2.5)], dtick: 1 }
                             : {}), options);
    Plotly.react("bandwidth", traces(["bytesPerSecond"], palette),
                 layout(palette, "", { shapes: aborts.shapes }, { ticksuffix: "B/s" }),
                 options);
  }

  dark.addEventListener("change", draw);
  printing.addEventListener("change", draw);
  narrow.addEventListener("change", draw);
  draw();
})();
