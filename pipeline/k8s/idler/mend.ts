import { KINDS } from '../cluster.ts';
import { type Hands, persist } from '../idling/change.ts';
import { IDLED_LABEL, OURS } from '../idling/marks.ts';
import { isRedirected, selectorOf } from '../idling/saved-service.ts';
import { isSelected, listWorkloads, replicasOf, unmark, type Workload } from '../idling/workload.ts';

/**
 * Takes the marks off what is awake, as far as its visitors can tell: it runs, and its Services lead to it. So an unidler leaves an app
 * that was ended between the two; marked, it would never be idled again. Gives what was mended, or would be in a dry run.
 */
export async function mend(
  selector: string,
  { externalName, dryRun }: { readonly externalName: string; readonly dryRun: boolean },
  hands: Hands,
): Promise<readonly Workload[]> {
  const labels = `${IDLED_LABEL}${selector === '' ? '' : `,${selector}`}`;
  const marked = await persist(() => listWorkloads({ labels }, hands), hands);
  const mended: Workload[] = [];
  for (const workload of marked) {
    if (replicasOf(workload.object) === 0 || !(await isAwake(workload, externalName, hands))) continue;
    if (!dryRun) await unmark(workload, hands);
    mended.push(workload);
  }
  return mended;
}

/** With all of its group: one of them may be up while others are still being woken. */
async function isAwake(workload: Workload, externalName: string, hands: Hands): Promise<boolean> {
  const { namespace = '' } = workload.object.metadata;
  const { signal, cluster } = hands;
  const { items } = await persist(() => cluster.list(KINDS.service, { namespace, signal }), hands);
  const group = groupOf(workload);
  const others = group === undefined ? [] : await persist(() => listWorkloads({ namespace }, hands), hands);
  const together = [workload, ...others.filter((each) => groupOf(each) === group)];
  const own = items.filter((service) => together.some((each) => isSelected(each, selectorOf(service))));
  const isUp = together.every(({ object }) => replicasOf(object) > 0);
  return isUp && own.length > 0 && !own.some((service) => isRedirected(service, externalName));
}

function groupOf({ object }: Workload): string | undefined {
  return object.metadata.labels?.[OURS.group];
}
