/** Keys by which server-side apply tells items of a list apart; a list of none of these is one value. */
const LIST_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  ports: 'name',
};

/**
 * Where what is there differs from what is wanted; undefined: nowhere. Only what is wanted is looked at: the server's defaults, and
 * what others set beside it, are theirs.
 */
export function driftOf(wanted: unknown, live: unknown, path = ''): string | undefined {
  if (Array.isArray(wanted)) return listDrift(wanted, live, path);
  if (wanted === null || typeof wanted !== 'object') return isSame(wanted, live, path) ? undefined : path;
  if (live === null || typeof live !== 'object' || Array.isArray(live)) return path;
  for (const [key, value] of Object.entries(wanted)) {
    const found = driftOf(value, (live as Readonly<Record<string, unknown>>)[key], `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

type Item = Readonly<Record<string, unknown>>;

function listDrift(wanted: readonly unknown[], live: unknown, path: string): string | undefined {
  if (!Array.isArray(live)) return path;
  const key = LIST_KEYS[path.slice(path.lastIndexOf('.') + 1)];
  if (key === undefined) return JSON.stringify(wanted) === JSON.stringify(live) ? undefined : path;
  for (const item of wanted as readonly Item[]) {
    const name = item[key];
    const same = (live as readonly Item[]).find((other) => other[key] === name);
    const found = driftOf(item, same, `${path}[${String(name)}]`);
    if (found !== undefined) return found;
  }
  return undefined;
}

const QUANTITY = /^(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/;
const FACTORS: Readonly<Record<string, number>> = {
  ...{ m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 },
};

/** Amounts of resources come back as the server writes them: `1000m` as `1`. */
function isSame(wanted: unknown, live: unknown, path: string): boolean {
  if (wanted === live) return true;
  if (!/\.(requests|limits|sizeLimit)\b/.test(path)) return false;
  const amount = amountOf(wanted);
  return amount !== undefined && amount === amountOf(live);
}

function amountOf(value: unknown): number | undefined {
  const [, digits, unit = ''] = QUANTITY.exec(String(value)) ?? [];
  return digits === undefined ? undefined : Number(digits) * (FACTORS[unit] ?? 1);
}
