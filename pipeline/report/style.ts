/**
 * Light and dark by the reader's own choice. Text has a contrast of at least 4.5, cells and lines of at least 3; green, vermilion
 * and violet are told apart by colour-blind people, and no colour stands alone.
 */
export const STYLE = `
:root { color-scheme: light dark; --back: #f6f7f9; --card: #fff; --ink: #1c2430; --soft: #566173; --line: #d9dee6;
  --accent: #0b57b0; --good: #17693a; --good-back: #dff3e6; --warn: #7a4a00; --warn-back: #fdf0d3;
  --bad: #a3161f; --bad-back: #fde4e5; --none: #4b5565; --none-back: #e8ebf0;
  --pass: #2f9467; --fail: #cf3f12; --flake: #7b5fc7; --calm: #0b57b0; --on: #fff; }
@media screen and (prefers-color-scheme: dark) { :root { --back: #12161c; --card: #1a2029; --ink: #e6eaf0; --soft: #a5b0c0;
  --line: #323b48; --accent: #8ab8f8; --good: #8fdcaa; --good-back: #173524; --warn: #f2c879; --warn-back: #3a2c10;
  --bad: #ff9ea3; --bad-back: #431a1e; --none: #b9c2cf; --none-back: #2a323d;
  --pass: #3f9f74; --fail: #f0693c; --flake: #a48cf0; --calm: #8ab8f8; --on: #10141a; } }
* { box-sizing: border-box; } [hidden] { display: none !important; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; background: var(--back); color: var(--ink); }
a { color: var(--accent); } a.name { text-decoration: none; } a.name:hover, a.name:focus { text-decoration: underline; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; } main:focus { outline: none; }
.skip { position: absolute; left: -999rem; } .skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .5rem; z-index: 9; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
header, main, footer { max-width: 90rem; margin: 0 auto; padding: 0 1.25rem; }
header { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; align-items: center; padding-top: .9rem; }
header p { margin: 0; } .brand a { font-weight: 700; color: var(--ink); text-decoration: none; }
header form { margin: 0 0 0 auto; } nav ul { display: flex; gap: .2rem; list-style: none; margin: 0; padding: 0; }
nav a { display: block; padding: .3rem .7rem; border-radius: 6px; text-decoration: none; }
nav a[aria-current] { background: var(--none-back); color: var(--ink); font-weight: 600; }
h1 { font-size: 1.35rem; margin: 1rem 0 .6rem; overflow-wrap: anywhere; line-height: 1.3; } h1 .name { color: inherit; }
h2 { font-size: 1.05rem; margin: 0 0 .6rem; }
section > p:first-child { margin-top: 0; } section > p:last-child { margin-bottom: 0; } section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.1rem; margin: 1rem 0; }
footer { color: var(--soft); font-size: .87rem; padding-bottom: 1.5rem; overflow-wrap: anywhere; }
dl.sums { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0 0; }
dl.sums div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .5rem .9rem; min-width: 7rem;
  display: flex; flex-direction: column-reverse; }
dl.sums dt { color: var(--soft); font-size: .85rem; } dl.sums dd { margin: 0; font-size: 1.25rem; font-weight: 600; }
dl.sums .soft { font-weight: 400; } dl.sums time { font-size: 1rem; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; }
th { font-size: .8rem; color: var(--soft); font-weight: 600; vertical-align: bottom; }
th, td { text-align: left; padding: .4rem .7rem .4rem 0; border-bottom: 1px solid var(--line); } td { vertical-align: top; overflow-wrap: anywhere; }
tr:last-child td { border-bottom: 0; } td.first { min-width: 10rem; } td.when { overflow-wrap: normal; } time span { white-space: nowrap; } td.wide { min-width: 14rem; } td.strips { min-width: 10.4rem; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; } td.number, td.short { white-space: nowrap; overflow-wrap: normal; }
th button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: inherit; }
th button::after { content: '\\00a0↕'; opacity: .55; } th[aria-sort=ascending] button::after { content: '\\00a0↑'; opacity: 1; }
th[aria-sort=descending] button::after { content: '\\00a0↓'; opacity: 1; } th[aria-sort] { color: var(--ink); }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
pre { overflow: auto; background: var(--back); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; margin: .5rem 0; font: .85rem/1.45 ui-monospace, monospace; }
pre.failure { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 28rem; }
ol.failures { margin: 0; padding-left: 1.4rem; } ol.failures p { margin: .6rem 0 .3rem; overflow-wrap: anywhere; }
details { margin: .5rem 0 0; } summary { cursor: pointer; color: var(--accent); font-size: .87rem; overflow-wrap: anywhere; width: fit-content; }
ol.failures summary { color: inherit; font: .85rem ui-monospace, monospace; }
.soft { color: var(--soft); font-size: .87rem; }
.pill { display: inline-block; padding: .05rem .55rem; border-radius: 1rem; font-size: .82rem; font-weight: 600; white-space: nowrap;
  background: var(--none-back); color: var(--none); }
.pill.good { background: var(--good-back); color: var(--good); } .pill.warn { background: var(--warn-back); color: var(--warn); }
.pill.bad { background: var(--bad-back); color: var(--bad); }
.note { border-left: 4px solid var(--accent); background: var(--card); padding: .6rem .9rem; margin: 1rem 0; border-radius: 0 8px 8px 0; }
.tools { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; align-items: center; margin: 0 0 .5rem; } .tools label { max-width: 100%; } .narrow-only { display: none; }
input, select { font: inherit; padding: .25rem .6rem; border: 1px solid var(--soft); border-radius: 6px; background: var(--card); color: var(--ink); min-height: 2rem; max-width: 100%; }
.strip { display: inline-flex; flex-wrap: wrap; align-items: flex-end; max-width: 30rem; row-gap: 3px; min-height: 16px; vertical-align: middle; }
.strip i { width: calc(var(--w) * 5px); background: repeating-linear-gradient(90deg, var(--c) 0 4px, transparent 4px 5px); }
.strip, .cell { forced-color-adjust: none; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.strip .p { --c: var(--pass); height: 9px; } .strip .f { --c: var(--fail); height: 16px; } .strip .l { --c: var(--flake); height: 13px; } .strip .n { --c: var(--soft); height: 2px; }
${Array.from({ length: 10 }, (_, at) => `.strip .w${at + 1} { --w: ${at + 1}; }`).join(' ')}
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1rem 1.5rem; }
figure { margin: 0; min-width: 0; } figcaption { font-weight: 600; font-size: .9rem; } .plot { min-width: 0; overflow: hidden; }
.uplot { font-family: inherit; } .uplot .u-legend { width: auto; font-size: .8rem; text-align: left; margin: 0; } .u-legend th, .u-legend td { border: 0; padding: 0 4px; }
.u-legend .u-series:first-child .u-marker { display: none; } .u-legend th { cursor: default; } .u-hz .u-cursor-x { border-right-color: var(--soft); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; padding: 0; margin: 0 0 .5rem; font-size: .87rem; }
.cell { display: inline-block; width: 16px; height: 16px; vertical-align: middle; overflow: hidden; color: var(--on); text-align: center; font: 700 13px/16px system-ui, sans-serif; }
.cP { background: var(--pass); } .cF { background: var(--fail); } .cF::before { content: '✕'; } .cL { background: var(--flake); } .cL::before { content: '/'; }
.cN { border: 1px dashed var(--soft); }
.grid { position: relative; overflow: auto; border: 1px solid var(--line); border-radius: 6px; background: var(--card); overscroll-behavior-x: contain; }
.grid.points canvas { cursor: pointer; }
.space { position: relative; } .layer { position: sticky; left: 0; top: 0; width: 0; height: 0; } .layer canvas { position: absolute; left: 0; top: 0; max-width: none; }
.names { position: sticky; left: 0; height: 0; z-index: 1; } .over { z-index: 2; }
.corner { position: absolute; left: 0; top: 0; background: var(--card); border-bottom: 1px solid var(--soft); border-right: 1px solid var(--line); padding: .25rem .6rem; color: var(--soft); font-size: .8rem; }
.grid .row { position: absolute; left: 0; right: 0; height: 24px; background: var(--card); border-right: 1px solid var(--line); padding: 0 .5rem; font-size: .82rem; line-height: 24px; }
.grid .row.here { background: var(--none-back); } .grid .whole { font-weight: 600; }
.grid [role=rowheader] { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .grid .row a { text-decoration: none; } .grid .row a:hover { text-decoration: underline; }
.said { min-height: 1.5em; margin: .4rem 0 0; font-size: .87rem; overflow-wrap: anywhere; }
@media (max-width: 46rem) {
  header, main, footer { padding-left: .8rem; padding-right: .8rem; } section { padding: .8rem; } header form { margin-left: 0; width: 100%; } header input { width: 100%; }
  nav a { padding: .4rem .55rem; } nav ul { margin-left: -.55rem; }
  dl.sums div { flex: 1 1 28%; min-width: 0; padding: .4rem .7rem; } dl.sums dd { font-size: 1.05rem; } dl.sums time { font-size: .9rem; }
}
/* Rows as cards, before a table would be wider than its page. */
@media (max-width: 70rem) {
  .narrow-only { display: flex; gap: .4rem; align-items: center; } .narrow-only select { min-width: 0; flex: 1 1 auto; }
  thead { position: absolute; clip-path: inset(50%); height: 1px; overflow: hidden; }
  table[role=table], table[role=table] tbody { display: block; } table[role=table] tr { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: 0 .8rem;
    padding: .7rem 0; border-bottom: 1px solid var(--line); } tr:last-child { border-bottom: 0; }
  table[role=table] td, td.number { display: block; border: 0; padding: .15rem 0; text-align: left; min-width: 0; } td.none { display: none !important; }
  td.first, td.wide, td.strips { grid-column: 1 / -1; } td.short, td.number, td.when { white-space: normal; overflow-wrap: anywhere; }
  table[role=table] td::before { content: attr(data-label); display: block; color: var(--soft); font-size: .78rem; line-height: 1.2; } table[role=table] td.first::before { content: none; }
}
@media print { nav, .skip, .tools, header form, .grid, .said, #grid-help { display: none !important; } section { break-inside: avoid-page; border: 0; padding: 0; } body { background: #fff; } }
`;
