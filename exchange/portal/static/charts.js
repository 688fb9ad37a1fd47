// Draws every <div class="chart" data-chart='…'> with ECharts. A table with the same figures stands beside each chart,
// so a page without JavaScript loses nothing.
"use strict";
for (const box of document.querySelectorAll("[data-chart]")) {
  const given = JSON.parse(box.dataset.chart);
  const chart = echarts.init(box, null, { renderer: "svg" });
  chart.setOption({
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    aria: { enabled: true },
    tooltip: { trigger: "item" },
    ...given,
  });
  addEventListener("resize", () => chart.resize());
}
