/** What the built-in page is made of. All of it is in the page: nothing is fetched from anywhere. */
export const TEMPLATE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{title}}</title>
{{head}}
</head>
<body>
<header><p>{{brand}}</p></header>
<main>{{content}}</main>
</body>
</html>
`;

export const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #57606a; --line: #d0d7de; --brand: #0b5cad; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #14181d; --soft: #a2adb8; --line: #3d444d; --brand: #7ab8ff; --bad: #ff9d94; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 1.125rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header { border-bottom: 0.25rem solid var(--brand); font-weight: 600; }
header p { margin: 0 auto; max-width: 40rem; padding: 0.75rem 1.25rem; }
main { max-width: 40rem; margin: 0 auto; padding: 1rem 1.25rem 3rem; overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; line-height: 1.2; }
ol { padding: 0; list-style: none; border-left: 0.25rem solid var(--line); }
li { padding: 0.25rem 0.75rem; color: var(--soft); }
li:last-child { color: var(--ink); font-weight: 600; }
.failed { border-left: 0.25rem solid var(--bad); padding-left: 0.75rem; }
.soft { color: var(--soft); }
[hidden] { display: none; }
button { font: inherit; font-weight: 600; padding: 0.5rem 1.25rem; border: 0; border-radius: 0.25rem; color: var(--paper); background: var(--brand); cursor: pointer; }
button:focus-visible { outline: 0.2rem solid var(--ink); outline-offset: 0.15rem; }
`;

/**
 * A connection that broke has no data, and comes back by itself; a failure has. Once its Service is restored, the host is the app's: what
 * no longer answers as the unidler is what the visitor waits for.
 */
export const SCRIPT = `
(() => {
  const root = document.getElementById('unidler');
  const by = (name) => root.querySelector('[data-part=' + name + ']');
  const show = (name, isShown) => { by(name).hidden = !isShown; };
  let asked = 0;
  let timer;
  const count = () => {
    const began = Date.now();
    clearInterval(timer);
    timer = setInterval(() => {
      const seconds = Math.round((Date.now() - began) / 1000);
      const minutes = Math.floor(seconds / 60);
      by('elapsed').textContent = 'Waiting for ' + (minutes > 0 ? minutes + ' min ' : '') + (seconds % 60) + ' s.';
    }, 1000);
  };
  const say = (text) => {
    const last = by('progress').lastElementChild;
    if (last !== null && last.textContent === text) return;
    by('progress').append(Object.assign(document.createElement('li'), { textContent: text }));
  };
  const title = (state) => {
    const text = root.getAttribute('data-title-' + state);
    by('title').textContent = text;
    document.title = text;
    by('explained').textContent = root.getAttribute('data-explained-' + state);
  };
  const waiting = () => {
    title('waking');
    show('start', false); show('failure', false); show('wait', true);
    count();
  };
  const failed = (text) => {
    clearInterval(timer);
    title('failed');
    by('reason').textContent = text;
    by('start').querySelector('button').textContent = 'Try again';
    show('wait', false); show('start', true); show('failure', true);
  };
  const ready = () => {
    clearInterval(timer);
    title('live');
    by('elapsed').textContent = '';
    setTimeout(() => location.replace(location.href), 2000);
  };
  const meet = async () => {
    try {
      const { headers, status } = await fetch(location.href, { method: 'HEAD', redirect: 'manual', headers: { accept: 'text/html' } });
      if (!headers.has('x-unidler') && status < 500) return ready();
    } catch {
      // Nobody answers at the moment.
    }
    setTimeout(listen, 3000);
  };
  const listen = () => {
    const source = new EventSource('/events/');
    let seen = '';
    source.onmessage = ({ data, lastEventId }) => {
      const wake = lastEventId.split('-')[0];
      if (wake !== seen) by('progress').replaceChildren();
      seen = wake;
      say(data);
    };
    source.addEventListener('success', ({ data }) => { source.close(); say(data); ready(); });
    source.addEventListener('idle', () => { source.close(); if (asked < 3) start(); else failed('It fell asleep again.'); });
    source.addEventListener('error', ({ data }) => {
      if (data === undefined) {
        if (source.readyState === 2) meet();
        return;
      }
      source.close();
      failed(data);
    });
  };
  const start = async () => {
    asked += 1;
    waiting();
    try {
      const answer = await fetch('/wake', { method: 'POST', headers: { accept: 'application/json' } });
      if (!answer.headers.has('x-unidler')) return meet();
      if (!answer.ok) return failed((await answer.json()).message);
    } catch {
      return setTimeout(() => { asked -= 1; start(); }, 3000);
    }
    listen();
  };
  by('start').addEventListener('submit', (event) => { event.preventDefault(); asked = 0; by('progress').replaceChildren(); start(); });
  const { state } = root.dataset;
  if (state === 'idle') start();
  if (state === 'waking') { waiting(); listen(); }
  if (state === 'live') ready();
})();
`;
