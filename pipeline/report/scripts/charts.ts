/** Draws each figure's table with uPlot, in the colours of the moment. */
export const CHARTS_SCRIPT = `'use strict';
for (const figure of document.querySelectorAll('figure[data-chart]')) {
  const { chart: kind, unit } = figure.dataset;
  const plot = figure.querySelector('.plot');
  const table = figure.querySelector('table');
  const rows = [...table.tBodies[0].rows];
  const days = rows.map((row) => Date.parse(row.cells[0].textContent + 'T00:00:00Z') / 1000);
  const series = [...table.tHead.rows[0].cells].flatMap((cell, at) =>
    cell.dataset.tone ? [{ label: cell.textContent, tone: cell.dataset.tone, values: rows.map((row) => {
      const by = row.cells[at].dataset.by;
      return by === '' || by === undefined ? null : Number(by);
    }) }] : []);
  const say = {
    count: (value) => value.toLocaleString('en'),
    share: (value) => Math.round(value * 1000) / 10 + '%',
    seconds: (value) => value < 60 ? Math.round(value * 10) / 10 + ' s' : value < 7200 ? Math.round(value / 6) / 10 + ' min' : Math.round(value / 360) / 10 + ' h',
  }[unit];
  // Bars on one another are drawn from the highest sum down, each over the one behind.
  const sums = series.map((_, at) => days.map((__, row) => series.slice(0, at + 1).reduce((sum, { values }) => sum + (values[row] ?? 0), 0)));
  const drawn = kind === 'stack' ? series.map((_, at) => series.length - 1 - at) : series.map((_, at) => at);
  const data = [days, ...drawn.map((at) => (kind === 'stack' ? sums[at] : series[at].values))];
  const HEIGHT = 190;
  const DAY_S = 86400;
  // Days without a row have their room, too.
  const [first, last] = [Math.min(...days), Math.max(...days)];
  const STEPS = unit === 'share' ? [0.25, 0.5]
    : unit === 'seconds' ? [1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400]
    : [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6];
  let view;
  const draw = () => {
    const width = Math.max(200, plot.clientWidth);
    view?.destroy();
    const [ink, line] = [samovar.colour('soft'), samovar.colour('line')];
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: '12px system-ui, sans-serif' };
    view = new uPlot({
      width, height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      cursor: { y: false, points: { show: kind === 'lines' } , drag: { x: false, y: false } },
      legend: { live: true, isolate: false },
      scales: {
        x: { range: () => [first - DAY_S * 0.6, last + DAY_S * 0.6] },
        y: { range: (_, min, max) => unit === 'share' ? [0, 1.02] : [0, (max || 1) * 1.08] },
      },
      axes: [
        { ...axis, grid: { show: false }, space: 56, incrs: [DAY_S, 2 * DAY_S, 7 * DAY_S, 14 * DAY_S, 28 * DAY_S],
          values: (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })) },
        { ...axis, size: 58, incrs: STEPS, values: (_, ticks) => ticks.map(say) },
      ],
      series: [
        { label: 'day', value: (_, seconds) => seconds === null ? '–' : new Date(seconds * 1000).toISOString().slice(0, 10) },
        ...drawn.map((at) => {
          const colour = samovar.colour(series[at].tone);
          const value = (_, __, ___, row) => { const one = row === null || row === undefined ? null : series[at].values[row]; return one === null ? '–' : say(one); };
          const look = kind === 'stack'
            ? { fill: colour, stroke: colour, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.72, 36], align: 0 }) }
            : { stroke: colour, width: 2, spanGaps: true, points: { show: true, size: 6, fill: colour }, ...(series[at].tone === 'soft' ? { dash: [6, 4] } : {}) };
          return { label: series[at].label, value, ...look };
        }),
      ],
    }, data, plot);
  };
  plot.hidden = false;
  draw();
  let width = plot.clientWidth;
  new ResizeObserver(() => {
    if (plot.clientWidth === width || plot.clientWidth === 0) return;
    width = plot.clientWidth;
    view.setSize({ width: Math.max(200, width), height: HEIGHT });
  }).observe(plot);
  samovar.onColours(draw);
}
`;
