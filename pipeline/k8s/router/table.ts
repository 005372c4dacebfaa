import { fullName, type Repo } from '../supervisor/names.ts';
import { RouteError } from './status.ts';

/** The repositories that are tracked now. Only what is in it ever becomes the name of a host. */
export interface Table {
  /** Of `owner/name`, of `owners/owner/repositories/name`, and of what is below either. Throws as the original does. */
  find(path: string): Repo;
  /** Sorted by name. */
  all(): readonly Repo[];
}

const PART = '[.:\\w-]{1,200}';
const PATH = new RegExp(`^(?:owners/(${PART})/repositories/(${PART})|(${PART})/(${PART}))(?:/|$)`);
const QUOTED_MAX = 200;

export function createTable(repos: readonly Repo[]): Table {
  const byName = new Map(repos.map((repo) => [fullName(repo), repo]));
  const sorted = [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, repo]) => repo);
  return {
    all: () => sorted,
    find: (path) => {
      const [, longOwner, longName, owner = longOwner, name = longName] = PATH.exec(path) ?? [];
      // The original's words, by which its clients know them.
      if (owner === undefined || name === undefined)
        throw new RouteError('FAILED_PRECONDITION', `invalid parent: ${path.slice(0, QUOTED_MAX)}`);
      const repo = byName.get(`${owner}/${name}`);
      if (repo === undefined)
        throw new RouteError('NOT_FOUND', `repository ${owner}/${name} is not tracking issues`);
      return repo;
    },
  };
}
