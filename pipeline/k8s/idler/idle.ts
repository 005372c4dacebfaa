import { describeError, SamovarError } from '../../errors.ts';
import { KINDS, type KubeObject } from '../cluster.ts';
import { change, type Hands, nameOf } from '../idling/change.ts';
import { type Redirect, redirectPatch, restorePatch } from '../idling/saved-service.ts';
import { inWords, scaleDown, stagesOf } from '../idling/workload.ts';
import type { Candidate } from './contract.ts';
import { isKept } from './survey.ts';

/**
 * Sends the app's Services to the unidler, then scales its workloads to 0, those first that are woken last. Gives undefined, or why it
 * was left as it was: somebody labelled it meanwhile. What fails before anything was scaled is undone.
 */
export async function idle(
  candidate: Candidate,
  redirect: Redirect,
  hands: Hands,
): Promise<string | undefined> {
  const redirected: KubeObject[] = [];
  let scaled = 0;
  try {
    for (const service of candidate.services) {
      await change(KINDS.service, nameOf(service), (now) => redirectPatch(now, redirect), hands);
      redirected.push(service);
    }
    for (const stage of [...stagesOf(candidate.workloads)].reverse())
      for (const workload of stage) {
        const why = await scaleDown(
          workload,
          (now) => (isKept(now) ? `${inWords(workload)} is labelled to stay awake` : undefined),
          hands,
        );
        if (why !== undefined && scaled === 0) {
          await restore(redirected, redirect, hands);
          return why;
        }
        if (why === undefined) scaled += 1;
      }
    return undefined;
  } catch (error) {
    if (scaled === 0) await restore(redirected, redirect, hands);
    throw error;
  }
}

async function restore(services: readonly KubeObject[], redirect: Redirect, hands: Hands): Promise<void> {
  for (const service of services)
    try {
      await change(
        KINDS.service,
        nameOf(service),
        (now) => restorePatch(now, redirect.externalName)?.patch,
        hands,
      );
    } catch (cause) {
      const { name, namespace } = service.metadata;
      throw new SamovarError('internal', `the Service ${namespace}/${name} is left sent to the unidler`, {
        subject: name,
        remedy: `A visit to its page brings it back (${describeError(cause)}).`,
        cause,
      });
    }
}
