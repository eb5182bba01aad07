// Draws the charts of a page from the JSON beside them. A click on a bar or point opens the rows behind it.
"use strict";
(() => {
  const TONES = ["#1b7f4b", "#b7791f", "#2563a8", "#8b3a8b", "#b3261e"];
  const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3], [1, 4]];

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const draw = (canvas) => {
    const data = JSON.parse(document.getElementById(`chart-${canvas.dataset.chart}`).textContent);
    const isLine = canvas.dataset.kind === "line";
    const datasets = data.lines.map((line, place) => ({
      label: line.label, data: line.values, backgroundColor: TONES[place % TONES.length],
      borderColor: TONES[place % TONES.length], borderDash: isLine ? DASHES[place % DASHES.length] : undefined,
      borderWidth: isLine ? 2 : 0, pointRadius: isLine ? 2 : undefined, spanGaps: false, maxBarThickness: 24,
    }));
    const axis = (extra) => ({ ticks: { color: colour("--quiet"), maxRotation: 0, autoSkip: data.labels.length > 6 }, grid: { color: colour("--line") }, ...extra });
    const chart = new Chart(canvas, {
      type: canvas.dataset.kind,
      data: { labels: data.labels, datasets },
      options: {
        animation: false, responsive: true, maintainAspectRatio: false,
        interaction: { mode: "nearest", intersect: true },
        scales: { x: axis({ stacked: data.stacked, grid: { display: false } }), y: axis({ stacked: data.stacked, beginAtZero: !isLine }) },
        plugins: {
          legend: { display: data.lines.length > 1, labels: { color: colour("--text"), boxWidth: 12, boxHeight: 12 } },
          tooltip: { callbacks: { label: (item) => `${item.dataset.label} : ${data.lines[item.datasetIndex].shown[item.dataIndex]}` } },
        },
        onClick: (event, hits) => {
          const url = hits.length ? data.lines[hits[0].datasetIndex].urls[hits[0].index] : "";
          if (url) window.location.assign(url);
        },
        onHover: (event, hits) => { event.native.target.style.cursor = hits.length ? "pointer" : "default"; },
      },
    });
    return chart;
  };

  window.addEventListener("load", () => {
    const drawn = [...document.querySelectorAll("canvas[data-chart]")].map(draw);
    new MutationObserver(() => drawn.forEach((chart) => {
      for (const scale of Object.values(chart.options.scales)) { scale.ticks.color = colour("--quiet"); if (scale.grid.color) scale.grid.color = colour("--line"); }
      chart.options.plugins.legend.labels.color = colour("--text");
      chart.update();
    })).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
  });
})();
