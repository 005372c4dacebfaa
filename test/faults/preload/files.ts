import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { devNull } from 'node:os';
import { around, patch } from './points.ts';

/** Files renamed, removed and synced. What is written but not yet renamed is seen by nobody. */
export async function watchFiles(): Promise<void> {
  for (const name of ['rename', 'rm', 'unlink'])
    patch(
      fs.promises,
      name,
      (original) =>
        function (this: unknown, ...args) {
          return around('file', `${name} ${shown(args[0])}`, () => original.apply(this, args));
        },
    );
  for (const name of ['renameSync', 'rmSync', 'unlinkSync', 'fsyncSync'])
    patch(
      fs,
      name,
      (original) =>
        function (this: unknown, ...args) {
          return around('file', `${name} ${shown(args[0])}`, () => original.apply(this, args));
        },
    );
  const handle = await fs.promises.open(devNull, 'r');
  for (const name of ['sync', 'datasync'])
    patch(
      Object.getPrototypeOf(handle) as object,
      name,
      (original) =>
        function (this: unknown, ...args) {
          return around('file', name, () => original.apply(this, args));
        },
    );
  await handle.close();
  syncBuiltinESMExports();
}

const shown = (path: unknown) => String(path).split('/').slice(-2).join('/');
