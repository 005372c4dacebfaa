/**
 * Live updates: asks every few seconds with the last ETag, and puts what is new in place of the old. Without it the page is as
 * useful as its age. Does nothing while the page is hidden, while text is selected, or when the reader has stopped it.
 */
export const SCRIPT = `'use strict';
(() => {
  const EVERY_MS = 5000;
  const live = document.getElementById('live');
  const toggle = document.getElementById('toggle');
  const said = document.getElementById('said');
  if (!live || !toggle || !said) return;
  let etag = live.dataset.etag;
  let running = true;
  let failures = 0;
  const tell = (text) => { if (said.textContent !== text) said.textContent = text; };
  const isSelecting = () => {
    const selection = getSelection();
    return selection !== null && !selection.isCollapsed && live.contains(selection.anchorNode);
  };
  const show = (html) => {
    const focused = document.activeElement;
    const id = focused && live.contains(focused) ? focused.id : '';
    live.replaceChildren(...new DOMParser().parseFromString(html, 'text/html').body.childNodes);
    if (id) document.getElementById(id)?.focus({ preventScroll: true });
  };
  const look = async () => {
    const answer = await fetch('/dashboard/live', { headers: { 'if-none-match': etag }, cache: 'no-store', redirect: 'error' });
    if (answer.status === 401) { stop('The login has ended: load the page again.'); return; }
    if (answer.status === 304) { tell(''); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    etag = answer.headers.get('etag') ?? '';
    show(await answer.text());
    tell('');
  };
  const stop = (text) => { running = false; toggle.textContent = 'Start live updates'; tell(text); };
  const tick = async () => {
    if (running && !document.hidden && !isSelecting()) {
      try { await look(); failures = 0; } catch {
        failures += 1;
        if (failures > 1) tell('The server does not answer: what is shown is old.');
      }
    }
    setTimeout(tick, EVERY_MS * Math.min(12, 1 + failures));
  };
  toggle.hidden = false;
  toggle.addEventListener('click', () => {
    if (running) { stop('Live updates are stopped.'); return; }
    running = true;
    toggle.textContent = 'Stop live updates';
    tell('Live updates go on.');
  });
  setTimeout(tick, EVERY_MS);
})();
`;
