/**
 * What readers chose (order, search, the cell they look at), kept in the address after `#`, so that it can be shared; it works
 * from a folder as from a server. `#main`, where the skip link goes, is none of it.
 */
export const STATE_SCRIPT = `'use strict';
const samovar = (() => {
  let state = new URLSearchParams();
  const listeners = [];
  const read = () => {
    const hash = location.hash.slice(1);
    if (hash !== '' && !hash.includes('=')) return false;
    state = new URLSearchParams(hash);
    return true;
  };
  read();
  const write = () => {
    const hash = '#' + state.toString();
    try { history.replaceState(null, '', hash === '#' ? location.pathname + location.search : hash); }
    catch { if (location.hash !== hash) location.hash = hash; }
  };
  // Paper has no scroll bars: what a picture shows is printed as its table.
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('details.data:not([open])')];
    for (const one of opened) one.open = true;
  });
  addEventListener('afterprint', () => { for (const one of opened.splice(0)) one.open = false; });
  let writing = 0;
  addEventListener('hashchange', () => { if (read()) for (const listen of listeners) listen(); });
  return {
    get: (key) => state.get(key) ?? '',
    set: (key, value) => {
      if ((state.get(key) ?? '') === value) return;
      if (value === '') state.delete(key); else state.set(key, value);
      // Browsers refuse an address that changes with every key.
      clearTimeout(writing);
      writing = setTimeout(write, 150);
    },
    onChange: (listen) => listeners.push(listen),
    colour: (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim(),
    onColours: (listen) => {
      for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)'])
        matchMedia(query).addEventListener('change', listen);
    },
    isolated: (text) => '\\u2068' + text + '\\u2069',
  };
})();
`;
