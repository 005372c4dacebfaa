import { keyed, openPlace } from './place.ts';

/** A worker that dies in the middle of its fetch: it says when it has begun, and never ends. */
const [, , file = '', nowMs = '0'] = process.argv;
const place = openPlace(
  [
    keyed('bugs', () => {
      process.send?.('fetching');
      return new Promise(() => setInterval(() => undefined, 1000));
    }),
  ],
  { file, clock: { nowMs: Number(nowMs) } },
);
await place.work({ name: 'child' });
