/** Light and dark by the reader's own choice. Every pair of colours has a contrast of at least 4.5. */
export const STYLE = `
:root { color-scheme: light dark; --back: #f6f7f9; --card: #fff; --ink: #1c2430; --soft: #566173; --line: #d9dee6;
  --accent: #0b57b0; --good: #17693a; --good-back: #dff3e6; --warn: #7a4a00; --warn-back: #fdf0d3;
  --bad: #a3161f; --bad-back: #fde4e5; --none: #4b5565; --none-back: #e8ebf0; }
@media (prefers-color-scheme: dark) { :root { --back: #12161c; --card: #1a2029; --ink: #e6eaf0; --soft: #a5b0c0;
  --line: #323b48; --accent: #8ab8f8; --good: #8fdcaa; --good-back: #173524; --warn: #f2c879; --warn-back: #3a2c10;
  --bad: #ff9ea3; --bad-back: #431a1e; --none: #b9c2cf; --none-back: #2a323d; } }
* { box-sizing: border-box; } [hidden] { display: none !important; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; background: var(--back); color: var(--ink); }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -999rem; } .skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .5rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
header, main, footer { max-width: 84rem; margin: 0 auto; padding: 0 1.25rem; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; padding-top: 1.25rem; }
header h1 { font-size: 1.35rem; margin: 0; flex: 1 1 auto; } header form { margin: 0; }
h2 { font-size: 1.05rem; margin: 0 0 .6rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.1rem; margin: 1rem 0; }
dl.sums { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0 0; }
dl.sums div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .5rem .9rem; min-width: 7rem;
  display: flex; flex-direction: column-reverse; }
dl.sums dt { color: var(--soft); font-size: .85rem; } dl.sums dd { margin: 0; font-size: 1.3rem; font-weight: 600; }
dl.sums dd.words { font-size: .95rem; line-height: 2; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; }
th { font-size: .8rem; color: var(--soft); font-weight: 600; }
th, td { text-align: left; padding: .4rem .7rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td { overflow-wrap: anywhere; } td.short, td strong, td .deeds { white-space: nowrap; overflow-wrap: normal; }
td.words { min-width: 14rem; } td .deeds { flex-wrap: nowrap; }
code { font: .9em ui-monospace, monospace; }
.soft { color: var(--soft); font-size: .87rem; } .title { display: block; }
.pill { display: inline-block; padding: .05rem .55rem; border-radius: 1rem; font-size: .82rem; font-weight: 600; white-space: nowrap;
  background: var(--none-back); color: var(--none); }
.pill.good { background: var(--good-back); color: var(--good); } .pill.warn { background: var(--warn-back); color: var(--warn); }
.pill.bad { background: var(--bad-back); color: var(--bad); }
svg.bar { display: block; width: 7rem; height: .5rem; margin-top: .3rem; border-radius: 3px; background: var(--none-back); }
svg.bar .fresh { fill: #2c9a56; } svg.bar .stale { fill: #d99a1c; } svg.bar .error { fill: #d8434c; } svg.bar .missing { fill: #8b95a5; }
.deeds { display: flex; flex-wrap: wrap; gap: .3rem; }
.button, button { font: inherit; font-size: .87rem; display: inline-block; padding: .25rem .7rem; border: 1px solid var(--line); border-radius: 6px;
  background: var(--card); color: var(--accent); text-decoration: none; cursor: pointer; min-height: 1.75rem; }
.button:hover, button:hover { border-color: var(--accent); }
button.main { background: #0b57b0; color: #fff; border-color: #0b57b0; } button.danger { background: #a3161f; color: #fff; border-color: #a3161f; }
.note { border-left: 4px solid var(--accent); background: var(--card); padding: .6rem .9rem; margin: 1rem 0; border-radius: 0 8px 8px 0; }
.note:empty { display: none; } .note.bad { border-color: var(--bad); }
form.box label { display: block; margin: .7rem 0 .2rem; font-weight: 600; } form.box .choice { font-weight: 400; margin: .3rem 0; }
form.box input[type=text], form.box input[type=password] { font: inherit; width: 100%; max-width: 28rem; padding: .4rem .6rem; border: 1px solid var(--soft);
  border-radius: 6px; background: var(--card); color: var(--ink); }
form.box fieldset { border: 0; padding: 0; margin: .8rem 0 0; } form.box legend { font-weight: 600; padding: 0; }
form.box p.row { display: flex; gap: .6rem; align-items: center; margin-top: 1.1rem; }
.narrow { max-width: 44rem; }
@media (max-width: 46rem) {
  header, main { padding-left: .8rem; padding-right: .8rem; } section { padding: .8rem; }
  dl.sums div { flex: 1 1 28%; min-width: 0; padding: .4rem .7rem; }
  thead { position: absolute; clip-path: inset(50%); height: 1px; overflow: hidden; }
  table, tbody { display: block; } tr { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0 .8rem;
    padding: .7rem 0; border-bottom: 1px solid var(--line); } tr:last-child { border-bottom: 0; }
  td, td.number { display: block; border: 0; padding: .15rem 0; text-align: left; min-width: 0; } td.none { display: none; }
  td.first, td.words, td.deed { grid-column: 1 / -1; } td.short, td.number, td strong { white-space: normal; overflow-wrap: anywhere; }
  td::before { content: attr(data-label); display: block; color: var(--soft); font-size: .78rem; line-height: 1.2; }
  td.first::before, td.deed::before { content: none; } svg.bar { width: 100%; }
  .button, button { padding: .45rem .9rem; }
}
@media (prefers-reduced-motion: no-preference) { .button, button { transition: border-color .15s; } }
`;
