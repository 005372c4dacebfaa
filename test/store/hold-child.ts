import { holdDatabase } from '../../pipeline/store/hold.ts';

const [, , file = ''] = process.argv;
await holdDatabase(file, {
  command: 'other',
  waitMs: 0,
  nowMs: () => Date.now(),
  sleep: async () => undefined,
  signal: new AbortController().signal,
});
process.send?.('held');
setInterval(() => undefined, 1_000);
