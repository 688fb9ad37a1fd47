// Draws every <div class="chart" data-chart='…'> with ECharts. A table with the same figures stands beside each chart,
// so a page without JavaScript loses nothing.
"use strict";
for (const box of document.querySelectorAll("[data-chart]")) {
  const given = JSON.parse(box.dataset.chart);
  const chart = echarts.init(box, null, { renderer: "svg" });
  // on a phone both columns of names share the width: each gets less than half and breaks into lines
  const narrow = box.clientWidth < 560;
  const label = narrow ? { width: box.clientWidth * 0.36, overflow: "break", fontSize: 11 } : { fontSize: 13 };
  for (const series of given.series) series.label = label;
  chart.setOption({
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    aria: { enabled: true },
    tooltip: { trigger: "item" },
    animation: false, // a figure to be read, printed and pictured as it is
    ...given,
  });
  addEventListener("resize", () => chart.resize());
}
