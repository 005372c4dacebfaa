import { fieldsOf, firstOf, linkOf, nameOf, type Sifted, sift, textOf, textsOf, wholeOf } from './fields.ts';
import { labelOf } from './releases.ts';
import { timeOf } from './times.ts';

export type Bug = {
  readonly bug_id: number;
  readonly title: string;
  readonly url: string;
  readonly status: string;
  readonly release: string;
  readonly keywords: readonly string[];
  readonly priority: string;
  readonly severity: string;
  /** The graver of the two. */
  readonly priority_severity: string;
  readonly comments: number;
  readonly modified: string | null;
  readonly reported: string | null;
  readonly private: boolean;
};

export const OPEN_STATUSES = [
  'NEW',
  'ASSIGNED',
  'MODIFIED',
  'ON_QA',
  'ON_DEV',
  'VERIFIED',
  'POST',
  'RELEASE_PENDING',
] as const;

/** What is asked of a bug: `bugOf` reads no other fields. */
export const BUG_FIELDS = [
  ...['id', 'summary', 'status', 'product', 'component', 'version', 'keywords', 'priority', 'severity'],
  ...['comment_count', 'last_change_time', 'creation_time', 'groups'],
] as const;

const RANKS = ['unspecified', 'low', 'medium', 'high', 'urgent'];

export interface BugOfComponent {
  readonly component: string;
  readonly bug: Bug;
}

export function bugsOf(list: unknown, bugzilla: string, rawhide: number | undefined): Sifted<BugOfComponent> {
  return sift(list, 'the bugs of Bugzilla', (item) => bugOf(item, bugzilla, rawhide));
}

function bugOf(item: unknown, bugzilla: string, rawhide: number | undefined): BugOfComponent | undefined {
  const fields = fieldsOf(item);
  const id = wholeOf(fields?.id);
  const component = nameOf(firstOf(fields?.component));
  const title = textOf(fields?.summary);
  const status = textOf(fields?.status);
  if (fields === undefined || id === undefined || component === undefined) return undefined;
  if (title === undefined || status === undefined) return undefined;
  const priority = textOf(fields.priority) ?? 'unspecified';
  const severity = textOf(fields.severity) ?? 'unspecified';
  const bug: Bug = {
    bug_id: id,
    title,
    url: linkOf(`${bugzilla}/show_bug.cgi?id=${id}`) ?? '',
    status,
    release: releaseOf(firstOf(fields.product), firstOf(fields.version), rawhide),
    keywords: textsOf(fields.keywords),
    priority,
    severity,
    priority_severity: RANKS.indexOf(priority) >= RANKS.indexOf(severity) ? priority : severity,
    comments: wholeOf(fields.comment_count) ?? 0,
    modified: timeOf(fields.last_change_time) ?? null,
    reported: timeOf(fields.creation_time) ?? null,
    // What cannot be read as a list of no groups is not taken for public.
    private: !Array.isArray(fields.groups) ? fields.groups !== undefined : fields.groups.length > 0,
  };
  return { component, bug };
}

/** A bug without a version is of all releases: `Fedora`, `EPEL`. */
function releaseOf(product: unknown, version: unknown, rawhide: number | undefined): string {
  const isEpel = product === 'Fedora EPEL';
  const words = textOf(version) ?? '';
  const label = labelOf(/^\d+(\.\d+)?$/.test(words) ? `${isEpel ? 'epel' : 'f'}${words}` : words, rawhide);
  return label ?? (isEpel ? 'EPEL' : 'Fedora');
}
