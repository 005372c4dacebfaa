import { describe, expect, it } from 'vitest';
import { createRoom } from '../../pipeline/collect/room.ts';

/** Work that ends when it is told to. */
function started(room: ReturnType<typeof createRoom>, bytes: number) {
  const seen = {
    runs: false,
    end: (_text: string) => {},
    fail: (_error: Error) => {},
    result: Promise.resolve(''),
  };
  seen.result = room(bytes, () => {
    seen.runs = true;
    return new Promise<string>((resolve, reject) => {
      seen.end = resolve;
      seen.fail = reject;
    });
  });
  return seen;
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('room for bytes', () => {
  it('is given as long as there is some, and again when work has ended or failed', async () => {
    const room = createRoom(10);
    const [a, b, c, d] = [started(room, 6), started(room, 4), started(room, 3), started(room, 3)];
    await turn();
    expect([a, b, c, d].map(({ runs }) => runs)).toEqual([true, true, false, false]);
    b.fail(new Error('broken'));
    await expect(b.result).rejects.toThrow('broken');
    await turn();
    expect([c, d].map(({ runs }) => runs)).toEqual([true, false]);
    a.end('done');
    expect(await a.result).toBe('done');
    await turn();
    expect(d.runs).toBe(true);
  });

  it('a large piece is not overtaken by small ones, and one larger than all there is has its turn alone', async () => {
    const room = createRoom(10);
    const first = started(room, 1);
    await turn();
    const large = started(room, 1_000);
    const small = started(room, 1);
    await turn();
    expect([large.runs, small.runs]).toEqual([false, false]);
    first.end('');
    await turn();
    expect([large.runs, small.runs]).toEqual([true, false]);
    large.end('');
    await turn();
    expect(small.runs).toBe(true);
  });
});
