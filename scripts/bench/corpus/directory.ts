import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareNames } from '../../../pipeline/backends/bucket/order.ts';
import type { ServedBucket } from './index.ts';

/** A directory in Prow's layout as a bucket. Links of presubmits are read from their pointer files when they are listed. */
export function directoryBucket(dir: string): ServedBucket {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(dir, '/').length))
    .sort(compareNames);
  const known = new Set(names);
  return {
    names,
    read: (name) => (known.has(name) ? readFileSync(join(dir, name)) : undefined),
    linkOf: () => undefined,
  };
}
