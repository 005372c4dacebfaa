/** Runs work once there is room for the bytes it will hold. */
export type Room = <T>(bytes: number, work: () => Promise<T>) => Promise<T>;

const FILES_BYTES_MIN = 8 << 20;
const FILES_BYTES_A_READER = 4 << 20;

/**
 * For JUnit files of one root that are asked for and not yet read: enough to keep reading threads busy while a bucket answers within
 * 30 ms, and no more, as each is in memory until its turn comes. Each root has its own, for one that stalls holds on to all of it.
 */
export function roomForFiles(readers: number): Room {
  return createRoom(Math.max(FILES_BYTES_MIN, readers * FILES_BYTES_A_READER));
}

/**
 * Bounds the bytes under way, not their number: who asks first goes first, so that a large piece is not kept waiting by small ones.
 * One that is larger than all there is goes when nothing else does.
 */
export function createRoom(bytesMax: number): Room {
  const waiting: { readonly bytes: number; readonly go: () => void }[] = [];
  let left = bytesMax;
  const admit = () => {
    for (let first = waiting[0]; first !== undefined && first.bytes <= left; first = waiting[0]) {
      waiting.shift();
      left -= first.bytes;
      first.go();
    }
  };
  return async (wanted, work) => {
    const bytes = Math.min(wanted, bytesMax);
    await new Promise<void>((resolve) => {
      waiting.push({ bytes, go: resolve });
      admit();
    });
    try {
      return await work();
    } finally {
      left += bytes;
      admit();
    }
  };
}
