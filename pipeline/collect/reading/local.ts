import { packRow } from '../../records/chunk.ts';
import { type JunitFile, readBody } from '../junit.ts';
import { makeRow, type RowPacker } from '../row.ts';
import type { BuildReaders, BuildReading, FileName } from './contract.ts';

/** Readers on the calling thread. */
export function localReaders(pack: RowPacker = packRow): BuildReaders {
  return { count: 1, begin: () => createReading(pack), close: async () => undefined };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A reading that can be given a file that was read elsewhere. */
export interface LocalReading extends BuildReading {
  keep(file: JunitFile): void;
}

/** One build, on the calling thread. */
export function createReading(pack: RowPacker): LocalReading {
  const read = new Map<string, JunitFile>();
  return {
    keep: (file) => void read.set(file.record.name, file),
    read: async (file: FileName, body) => {
      read.set(file.name, await readBody(file, body instanceof Uint8Array ? once(body) : body));
    },
    finish: async (head) => {
      const files = [...read.values()].sort((a, b) =>
        Buffer.compare(Buffer.from(a.record.name), Buffer.from(b.record.name)),
      );
      const row = await makeRow({ ...head, files: files.map(({ tests }) => tests) }, pack);
      return { row, files: files.map(({ record, raw }) => ({ record, raw })) };
    },
    discard: () => read.clear(),
  };
}
