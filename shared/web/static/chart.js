// Draws the tables inside `figure.chart`: the server writes the numbers, this shows them as bars or
// lines. Without it the table alone stands there, and it stays at hand for who cannot see the drawing.
//
//   <figure class="chart" data-chart="bar | line | stacked" data-library="address of Chart.js">
// The first column holds the labels, each further one a series: its heading is the name, the cells'
// `data-value` the numbers (none: a gap). A table that htmx replaces is drawn in the same drawing.

const drawn = new Map();
let library;

function loaded(address) {
  library ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    Object.assign(script, { src: address, onload: done, onerror: failed });
    document.head.append(script);
  });
  return library;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function seriesOf(table, kind) {
  const [, ...heads] = table.tHead.rows[0].cells;
  return heads.map((head, at) => {
    const hue = colour(`--chart-${(at % 4) + 1}`);
    const values = [...table.tBodies[0].rows].map((row) => row.cells[at + 1].dataset.value);
    return {
      label: head.textContent.trim(),
      data: values.map((value) => (value === undefined || value === "" ? null : Number(value))),
      backgroundColor: hue,
      borderColor: hue,
      borderWidth: kind === "line" ? 2.5 : 0,
      borderDash: kind === "line" && at % 2 ? [6, 4] : [], // told apart without colours too
      borderRadius: kind === "line" ? 0 : 4,
      maxBarThickness: 36,
      pointRadius: values.length > 20 ? 0 : 3,
      pointHitRadius: 12,
      cubicInterpolationMode: "monotone",
    };
  });
}

function labelsOf(table) {
  return [...table.tBodies[0].rows].map((row) => row.cells[0].textContent.trim());
}

function settings(figure, table, kind) {
  const number = new Intl.NumberFormat(document.documentElement.lang);
  const short = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact" });
  const series = seriesOf(table, kind);
  const words = (item) => {
    const cell = figure.querySelector("tbody").rows[item.dataIndex].cells[item.datasetIndex + 1];
    return ` ${item.dataset.label}  ${cell.textContent.trim() || number.format(item.raw)}`;
  };
  const axis = { border: { display: false }, ticks: { color: colour("--quiet"), maxRotation: 0, autoSkipPadding: 12 } };
  const stacked = kind === "stacked";
  return {
    type: kind === "line" ? "line" : "bar",
    data: { labels: labelsOf(table), datasets: series },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      scales: {
        x: { ...axis, stacked, grid: { display: false } },
        y: { ...axis, stacked, beginAtZero: true, grid: { color: colour("--line") }, ticks: { ...axis.ticks, maxTicksLimit: 6, precision: 0, callback: (value) => short.format(value) } },
      },
      plugins: {
        legend: { display: series.length > 1, position: "bottom", labels: { color: colour("--ink"), usePointStyle: true, pointStyle: kind === "line" ? "line" : "rectRounded", boxWidth: 22, padding: 16 } },
        tooltip: { callbacks: { label: words } },
      },
    },
  };
}

async function draw(figure) {
  await loaded(figure.dataset.library);
  const canvas = figure.querySelector("canvas");
  drawn.get(canvas)?.destroy();
  window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  drawn.set(canvas, new window.Chart(canvas, settings(figure, figure.querySelector("table"), figure.dataset.chart)));
  figure.dataset.drawn = "";
}

function follow(figure) {
  const chart = drawn.get(figure.querySelector("canvas"));
  const table = figure.querySelector("table");
  chart.data.labels = labelsOf(table);
  seriesOf(table, figure.dataset.chart).forEach((series, at) => Object.assign(chart.data.datasets[at], series));
  chart.update("none"); // a series that the reader has hidden stays hidden
}

function drawAll() {
  for (const canvas of drawn.keys()) {
    if (!canvas.isConnected) { drawn.get(canvas).destroy(); drawn.delete(canvas); }
  }
  for (const figure of document.querySelectorAll("figure[data-chart]:not([data-drawn])")) draw(figure);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const figure of document.querySelectorAll("figure[data-drawn]")) draw(figure);
});
document.addEventListener("htmx:afterSwap", (event) => {
  const figure = event.target.closest?.("figure[data-drawn]");
  if (figure) follow(figure);
  drawAll();
});
drawAll();
