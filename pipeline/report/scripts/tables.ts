/** Orders and searches tables that have a key. A table as it came is the order of nobody's choice. */
export const TABLES_SCRIPT = `'use strict';
for (const table of document.querySelectorAll('table[data-key]')) {
  const key = table.dataset.key;
  const tools = document.querySelector('[data-tools="' + key + '"]');
  const part = (role) => tools.querySelector('[data-role=' + role + ']');
  const [find, order, count] = [part('find'), part('order'), part('count')];
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const columns = [...table.tHead.rows[0].cells].map((cell, at) => ({ cell, at, label: cell.textContent, sort: cell.dataset.sort }));
  const valueOf = (row, at) => row.cells[at].dataset.by ?? row.cells[at].textContent;
  const compare = (at, down) => (a, b) => {
    const [x, y] = [valueOf(a, at), valueOf(b, at)];
    // What is not known is last, whichever way.
    if (x === '' || y === '') return (x === '' ? 1 : 0) - (y === '' ? 1 : 0);
    const [m, n] = [Number(x), Number(y)];
    const order = Number.isNaN(m) || Number.isNaN(n) ? (x < y ? -1 : x > y ? 1 : 0) : m - n;
    return down ? -order : order;
  };
  const orderNow = () => {
    const text = samovar.get(key + '.sort');
    const column = columns.find(({ label, sort }) => sort && label === text.replace(/^-/, ''));
    return column && { column, down: text.startsWith('-') };
  };
  const nextFor = ({ label, sort, at }) => {
    const now = orderNow();
    const down = now && now.column.at === at ? !now.down : sort === 'down';
    return (down ? '-' : '') + label;
  };
  const apply = () => {
    const now = orderNow();
    const sorted = now ? [...rows].sort(compare(now.column.at, now.down)) : rows;
    body.append(...sorted);
    for (const { cell, at } of columns) {
      if (now && now.column.at === at) cell.setAttribute('aria-sort', now.down ? 'descending' : 'ascending');
      else cell.removeAttribute('aria-sort');
    }
    order.value = samovar.get(key + '.sort');
    const wanted = samovar.get(key + '.q');
    if (find.value !== wanted) find.value = wanted;
    const words = wanted.toLowerCase().split(/\\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, at) => {
      row.hidden = !words.every((word) => texts[at].includes(word));
      if (!row.hidden) shown += 1;
    });
    count.textContent = words.length === 0 ? rows.length.toLocaleString('en') + ' in all' : shown.toLocaleString('en') + ' of ' + rows.length.toLocaleString('en');
  };
  order.append(new Option('as it came', ''));
  for (const column of columns) {
    if (!column.sort) continue;
    const { cell, label, sort } = column;
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...cell.childNodes);
    button.addEventListener('click', () => { samovar.set(key + '.sort', nextFor(column)); apply(); });
    cell.replaceChildren(button);
    const first = (sort === 'down' ? '-' : '') + label;
    const second = (sort === 'down' ? '' : '-') + label;
    order.append(new Option(label, first), new Option(label + ', the other way', second));
  }
  order.addEventListener('change', () => { samovar.set(key + '.sort', order.value); apply(); });
  find.addEventListener('input', () => { samovar.set(key + '.q', find.value.trim()); apply(); });
  samovar.onChange(apply);
  tools.hidden = rows.length < 2;
  apply();
}
`;
