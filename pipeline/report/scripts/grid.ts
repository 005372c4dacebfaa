/**
 * The grid: cells on a canvas of the window's size, drawn anew as it scrolls; names as real rows, only those in sight. The
 * canvas tells nothing to who does not see it, so the cell under the cursor is a real cell, too, and is said in words.
 */
export const GRID_SCRIPT = `'use strict';
for (const box of document.querySelectorAll('.gridbox')) {
  const part = (role) => box.querySelector('[data-role=' + role + ']');
  const data = JSON.parse(box.querySelector('script').textContent);
  const key = box.dataset.key;
  const grid = box.querySelector('.grid');
  const [find, order, count, said, open] = ['find', 'order', 'count', 'said', 'open'].map(part);
  const CELL_W = 18, CELL_H = 24, HEAD_H = 30, SPARE = 6;
  const WORDS = { P: 'passed', F: 'failed', L: 'flaky', ' ': 'did not run' };
  const builds = data.builds;
  const whole = { test: 'The build as a whole', marks: builds.map(({ mark }) => mark).join(''), href: null, isWhole: true };
  const element = (name, attributes, ...inside) => {
    const made = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
    made.append(...inside);
    return made;
  };
  const canvas = element('canvas', { 'aria-hidden': 'true' });
  const names = element('div', { class: 'names', role: 'rowgroup' });
  const cursorHead = element('div', { role: 'columnheader', class: 'hidden' }, 'builds');
  const head = element('div', { class: 'corner', role: 'row', 'aria-rowindex': '1' }, element('div', { role: 'columnheader' }, 'Test'), cursorHead);
  const space = element('div', { class: 'space' }, element('div', { class: 'layer' }, canvas), element('div', { class: 'layer over', role: 'rowgroup' }, head), names);
  const cell = element('div', { role: 'gridcell', class: 'hidden' });
  grid.append(space);
  grid.setAttribute('aria-colcount', builds.length + 1);
  box.hidden = false;

  let rows = [];
  let cursor = { row: 0, col: 0 };
  let size = { width: 0, height: 0, names: 0 };
  let sprites;
  let asked = 0;
  let colours = {};
  let isDrawn = false;
  const kept = new Map();

  const choose = () => {
    const words = samovar.get(key + '.q').toLowerCase().split(/\\s+/).filter(Boolean);
    const found = data.rows.filter(({ test }) => { const text = test.toLowerCase(); return words.every((word) => text.includes(word)); });
    if (samovar.get(key + '.sort') === 'name') found.sort((a, b) => (a.test < b.test ? -1 : a.test > b.test ? 1 : 0));
    rows = [whole, ...found];
    if (find.value.trim() !== samovar.get(key + '.q')) find.value = samovar.get(key + '.q');
    order.value = samovar.get(key + '.sort');
    count.textContent = (words.length === 0 ? '' : found.length.toLocaleString('en') + ' of ') + data.rows.length.toLocaleString('en') + ' tests, ' + builds.length.toLocaleString('en') + ' builds';
    for (const row of kept.values()) row.remove();
    kept.clear();
    cursor.row = Math.min(cursor.row, rows.length - 1);
    grid.setAttribute('aria-rowcount', rows.length + 1);
    measure();
  };

  const measure = () => {
    const width = grid.clientWidth;
    // Names have what the cells leave, and their share at least.
    const share = Math.min(380, Math.max(110, width * 0.38));
    const namesW = Math.round(Math.max(share, Math.min(width * 0.6, width - builds.length * CELL_W)));
    const wanted = HEAD_H + rows.length * CELL_H + 18;
    grid.style.height = Math.min(wanted, Math.max(260, innerHeight * 0.72)) + 'px';
    size = { width, height: grid.clientHeight, names: namesW };
    space.style.width = namesW + builds.length * CELL_W + 'px';
    space.style.height = HEAD_H + rows.length * CELL_H + 'px';
    head.style.width = names.style.width = namesW + 'px';
    head.style.height = HEAD_H + 'px';
    const scale = devicePixelRatio || 1;
    canvas.width = Math.round(size.width * scale);
    canvas.height = Math.round(size.height * scale);
    canvas.style.width = size.width + 'px';
    canvas.style.height = size.height + 'px';
    // Asking for a colour costs more than drawing with it.
    colours = Object.fromEntries(['pass', 'fail', 'flake', 'on', 'ink', 'soft', 'card'].map((name) => [name, samovar.colour(name)]));
    sprites = paintSprites(scale);
    draw();
  };

  /** Shapes differ, not colours alone: passed is plain, failed has a cross, flaky a slash. */
  const paintSprites = (scale) => Object.fromEntries(['P', 'F', 'L'].map((mark) => {
    const sprite = document.createElement('canvas');
    const [w, h] = [CELL_W - 2, CELL_H - 2];
    sprite.width = Math.round(w * scale);
    sprite.height = Math.round(h * scale);
    const to = sprite.getContext('2d');
    to.scale(sprite.width / w, sprite.height / h);
    to.fillStyle = colours[{ P: 'pass', F: 'fail', L: 'flake' }[mark]];
    to.fillRect(0, 0, w, h);
    to.strokeStyle = colours.on;
    to.lineWidth = 2;
    to.beginPath();
    const [x, y] = [w / 2, h / 2];
    if (mark === 'F') { to.moveTo(x - 4, y - 4); to.lineTo(x + 4, y + 4); to.moveTo(x + 4, y - 4); to.lineTo(x - 4, y + 4); }
    if (mark === 'L') { to.moveTo(x - 4, y + 5); to.lineTo(x + 4, y - 5); }
    to.stroke();
    return [mark, sprite];
  }));

  const draw = () => {
    asked = 0;
    const to = canvas.getContext('2d');
    const scale = devicePixelRatio || 1;
    const [left, top] = [grid.scrollLeft, grid.scrollTop];
    to.setTransform(scale, 0, 0, scale, 0, 0);
    to.clearRect(0, 0, size.width, size.height);
    const firstCol = Math.max(0, Math.floor(left / CELL_W));
    const lastCol = Math.min(builds.length, Math.ceil((left + size.width - size.names) / CELL_W));
    const firstRow = Math.max(0, Math.floor(top / CELL_H));
    const lastRow = Math.min(rows.length, Math.ceil((top + size.height - HEAD_H) / CELL_H));
    const x = (col) => size.names + col * CELL_W - left;
    const y = (row) => HEAD_H + row * CELL_H - top;
    for (let row = firstRow; row < lastRow; row += 1) {
      const marks = rows[row].marks;
      const at = y(row) + 1;
      for (let col = firstCol; col < lastCol; col += 1) {
        const sprite = sprites[marks[col]];
        if (sprite) to.drawImage(sprite, x(col) + 1, at, CELL_W - 2, CELL_H - 2);
      }
    }
    if (cursor.col >= 0) {
      to.strokeStyle = colours.ink;
      to.lineWidth = 2.5;
      to.strokeRect(x(cursor.col) + 0.5, y(cursor.row) + 0.5, CELL_W - 1, CELL_H - 1);
    }
    drawHead(to, firstCol, lastCol, x);
    showNames(Math.max(0, firstRow - SPARE), Math.min(rows.length, lastRow + SPARE));
    if (!isDrawn) performance.mark('grid-drawn');
    isDrawn = true;
  };

  /** A day is named where it begins, if there is room. */
  const drawHead = (to, firstCol, lastCol, x) => {
    to.fillStyle = colours.card;
    to.fillRect(0, 0, size.width, HEAD_H);
    to.fillStyle = colours.soft;
    to.font = '12px system-ui, sans-serif';
    to.textBaseline = 'middle';
    let free = -Infinity;
    for (let col = firstCol; col < lastCol; col += 1) {
      const day = builds[col].at.slice(0, 10);
      if (col > firstCol && day === builds[col - 1].at.slice(0, 10)) continue;
      to.fillRect(x(col), HEAD_H - 7, 1, 7);
      if (day === '' || x(col) < free) continue;
      const text = day.slice(5);
      to.fillText(text, Math.max(x(col), size.names) + 3, HEAD_H / 2);
      free = x(col) + to.measureText(text).width + 12;
    }
    to.fillRect(0, HEAD_H - 1, size.width, 1);
  };

  /** The words that most names begin with: said, but not shown, as they would leave no room for what tells names apart. */
  const common = (() => {
    const names = data.rows.map(({ test }) => test);
    const most = names.length * 0.6;
    const begins = (start) => names.filter((name) => name.startsWith(start)).length;
    let best = '';
    for (const name of names.slice(0, 20)) {
      for (let at = name.indexOf(' ', best.length); at > 0 && at < name.length - 12; at = name.indexOf(' ', at + 1)) {
        const start = name.slice(0, at + 1);
        if (begins(start) <= most) break;
        if (start.length > best.length) best = start;
      }
    }
    return names.length > 2 && best.length > 9 ? best : '';
  })();
  const shownName = (test) => {
    if (test === '') return ['(no name)'];
    if (common === '' || !test.startsWith(common)) return [test];
    return [element('span', { class: 'hidden' }, common), element('span', { 'aria-hidden': 'true' }, '… '), test.slice(common.length)];
  };

  const showNames = (first, last) => {
    for (const [at, row] of kept) if (at < first || at >= last) { row.remove(); kept.delete(at); }
    for (let at = first; at < last; at += 1) {
      if (kept.has(at)) continue;
      const { test, href, isWhole } = rows[at];
      const name = element(href ? 'a' : 'span', href ? { href, tabindex: '-1', title: test } : { title: test }, element('bdi', {}, ...shownName(test)));
      const row = element('div', { role: 'row', 'aria-rowindex': at + 2, class: isWhole ? 'row whole' : 'row' }, element('div', { role: 'rowheader' }, name));
      row.style.top = HEAD_H + at * CELL_H + 'px';
      kept.set(at, row);
      names.append(row);
    }
    for (const [at, row] of kept) row.classList.toggle('here', at === cursor.row);
    const here = kept.get(cursor.row);
    if (here && cursor.col >= 0) here.append(cell); else cell.remove();
  };
  const drawSoon = () => { asked ||= requestAnimationFrame(draw); };

  const wordsFor = ({ row, col }) => {
    const { test, marks, isWhole } = rows[row];
    const name = isWhole ? test : 'Test ' + samovar.isolated(test);
    if (col < 0) return name;
    const { name: build, at } = builds[col];
    return name + ', build ' + samovar.isolated(build) + (at === '' ? '' : ' of ' + at) + ': ' + WORDS[marks[col] ?? ' '];
  };
  const tell = () => {
    said.textContent = wordsFor(cursor);
    const href = cursor.col < 0 ? rows[cursor.row].href : builds[cursor.col].href;
    open.hidden = !href;
    if (href) open.setAttribute('href', href);
    open.textContent = cursor.col < 0 ? 'Open the test' : 'Open the build';
    if (cursor.col >= 0) {
      cell.setAttribute('aria-colindex', cursor.col + 2);
      cell.textContent = WORDS[rows[cursor.row].marks[cursor.col] ?? ' '];
      cursorHead.textContent = 'build ' + builds[cursor.col].name;
      cursorHead.setAttribute('aria-colindex', cursor.col + 2);
    }
  };
  const move = (row, col) => {
    cursor = { row: Math.max(0, Math.min(rows.length - 1, row)), col: Math.max(-1, Math.min(builds.length - 1, col)) };
    const [x, y] = [cursor.col * CELL_W, cursor.row * CELL_H];
    const [w, h] = [size.width - size.names - CELL_W, grid.clientHeight - HEAD_H - CELL_H];
    if (cursor.col >= 0) grid.scrollLeft = Math.max(Math.min(grid.scrollLeft, x), x - w);
    grid.scrollTop = Math.max(Math.min(grid.scrollTop, y), y - h);
    tell();
    samovar.set(key + '.cell', cursor.row === 0 && cursor.col === 0 ? '' : cursor.row + ',' + cursor.col);
    drawSoon();
  };
  const page = () => Math.max(1, Math.floor((grid.clientHeight - HEAD_H) / CELL_H) - 1);
  grid.addEventListener('keydown', (event) => {
    if (event.altKey || event.metaKey) return;
    const { row, col } = cursor;
    const far = event.ctrlKey;
    const goes = {
      ArrowUp: () => move(row - 1, col), ArrowDown: () => move(row + 1, col),
      ArrowLeft: () => move(row, col - 1), ArrowRight: () => move(row, col + 1),
      PageUp: () => move(row - page(), col), PageDown: () => move(row + page(), col),
      Home: () => move(far ? 0 : row, far ? 0 : -1), End: () => move(far ? rows.length - 1 : row, builds.length - 1),
      Enter: () => { if (!open.hidden) location.assign(open.href); },
    }[event.key];
    if (!goes) return;
    event.preventDefault();
    goes();
  });
  const cellAt = (event) => {
    const rect = grid.getBoundingClientRect();
    const [x, y] = [event.clientX - rect.left - grid.clientLeft, event.clientY - rect.top - grid.clientTop];
    if (x < size.names || y < HEAD_H || x >= size.width || y >= grid.clientHeight) return undefined;
    const [row, col] = [Math.floor((y - HEAD_H + grid.scrollTop) / CELL_H), Math.floor((x - size.names + grid.scrollLeft) / CELL_W)];
    return row < rows.length && col < builds.length ? { row, col } : undefined;
  };
  grid.addEventListener('pointermove', (event) => {
    const at = cellAt(event);
    const text = at ? wordsFor(at) : '';
    if (canvas.title !== text) canvas.title = text;
    grid.classList.toggle('points', at !== undefined && builds[at.col].href !== null);
  });
  // A finger chooses, as it cannot point without a click; a mouse that has read the title opens.
  grid.addEventListener('click', (event) => {
    const at = cellAt(event);
    if (!at) return;
    const again = at.row === cursor.row && at.col === cursor.col;
    move(at.row, at.col);
    const { href } = builds[at.col];
    if (href === null || (event.pointerType === 'touch' && !again)) return;
    if (event.ctrlKey || event.metaKey) window.open(href, '_blank', 'noopener'); else location.assign(href);
  });
  grid.addEventListener('focus', tell);
  grid.addEventListener('scroll', drawSoon, { passive: true });
  find.addEventListener('input', () => { samovar.set(key + '.q', find.value.trim()); cursor.row = 0; grid.scrollTop = 0; choose(); });
  order.addEventListener('change', () => { samovar.set(key + '.sort', order.value); choose(); });
  const fromAddress = () => {
    choose();
    const [row, col] = samovar.get(key + '.cell').split(',').map(Number);
    if (Number.isInteger(row) && Number.isInteger(col)) move(row, col);
  };
  samovar.onChange(fromAddress);
  samovar.onColours(measure);
  new ResizeObserver(() => { if (grid.clientWidth !== size.width) measure(); }).observe(grid);
  fromAddress();
}
`;
