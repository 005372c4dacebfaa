import { KINDS } from '../cluster.ts';
import { change, isCode, nameOf, persist } from '../idling/change.ts';
import { idledOf } from '../idling/marks.ts';
import { restorePatch } from '../idling/saved-service.ts';
import { minimumOf, scaleUp, stagesOf, unmark, type Workload } from '../idling/workload.ts';
import { awaitEndpoints, awaitStage } from './await.ts';
import type { WakeContext } from './contract.ts';
import { failing } from './failing.ts';
import { type App, findApp, isIdled } from './find.ts';

/** What the original said, word for word: pages of either side show it. */
const TEXTS = {
  starting: 'Starting unidling...',
  found: 'App found. Unidling it...',
  restored: 'Replicas restored. Starting app. This could take a few minutes...',
  ready: 'App ready. Removing idled metadata...',
  redirecting: 'Redirecting app...',
  done: 'Ready',
} as const;

/**
 * Wakes what answers the host: workloads stage by stage, then its Services, then the marks come off. Each step may be another
 * replica's by now, and is done only where it is still to do; the marks go last, so that what is broken off is found again. A live app
 * is left alone. Gives the last text; throws SamovarError with the text for the visitor.
 */
export async function wake(context: WakeContext): Promise<string> {
  const { host, options, hands, say } = context;
  say(TEXTS.starting);
  const app = await findApp(host, options, hands);
  if (!isIdled(app, options.externalName)) return TEXTS.done;
  say(TEXTS.found);
  context.onFound(app);
  const deadlineMs = hands.nowMs() + options.deadlineMs;
  let isSaid = false;
  for (const stage of stagesOf(app.workloads)) {
    await scaleStage(stage, app, context);
    if (!isSaid) say(TEXTS.restored);
    isSaid = true;
    await awaitStage(stage, app, deadlineMs, context);
  }
  say(TEXTS.ready);
  say(TEXTS.redirecting);
  await failing('Failed to redirect back your app.', () => restoreAll(app, context));
  await awaitEndpoints(app, deadlineMs, context);
  await failing('Failed to remove idled metadata from your app.', async () => {
    for (const workload of app.workloads) await unmark(workload, hands);
  });
  return TEXTS.done;
}

async function scaleStage(stage: readonly Workload[], app: App, { hands }: WakeContext): Promise<void> {
  const scale = async (workload: Workload) => {
    const idled = idledOf(workload.object);
    // Somebody else's zero is not ours to change.
    if (idled === undefined) return;
    const minimum = minimumOf(workload, app.autoscalers);
    const wanted = Math.max(idled.replicas, minimum);
    await failing(`Failed to set your app's replicas back to ${wanted}.`, () =>
      persist(() => scaleUp(workload, minimum, hands), hands),
    );
  };
  await Promise.all(stage.map(scale));
}

async function restoreAll(app: App, { host, options, hands }: WakeContext): Promise<void> {
  const { externalName } = options;
  for (const service of app.services) {
    const name = nameOf(service);
    let isExact = true;
    const restore = (way: 'patch' | 'without') =>
      change(
        KINDS.service,
        name,
        (now) => {
          const found = restorePatch(now, externalName);
          isExact = found?.exact !== false && way === 'patch';
          return found?.[way];
        },
        hands,
      );
    await restore('patch').catch((error: unknown) => {
      // Its address or ports may be another's by now.
      if (!isCode(error, 'refused')) throw error;
      return restore('without');
    });
    if (!isExact) options.log('a Service could not be restored as it was', { host, service: name.name });
  }
}
