import { SamovarError } from '../../errors.ts';
import type { Change, Freeze } from './command.ts';
import type { Handling } from './handling.ts';
import { oneLine } from './messages.ts';
import { answer, type Reply } from './reply.ts';
import type { BotState, Frozen } from './state.ts';

/** Throws `refused` where somebody has frozen what a change is about. */
export function checkFreeze({ freezes }: BotState, { repo, stage }: Change): void {
  const found = freezes.find((one) => ['*', repo].includes(one.repo) && ['*', stage].includes(one.stage));
  if (found === undefined) return;
  throw new SamovarError('refused', `${repo}/${stage} is frozen: ${freezeText(found)}`, {
    subject: `${repo}/${stage}`,
    remedy: `Wait, or say unfreeze ${found.repo} env=${found.stage}.`,
  });
}

export async function setFreeze(
  { state, request, nowMs, audit }: Handling,
  { name, repo, stage, reason }: Freeze,
): Promise<Reply> {
  const target = `${repo}/${stage}`;
  const line = await state.update((before) => {
    const others = before.freezes.filter((one) => one.repo !== repo || one.stage !== stage);
    const wasFrozen = others.length < before.freezes.length;
    if (name === 'unfreeze') {
      if (!wasFrozen) throw new SamovarError('refused', `${target} is not frozen`);
      return [{ ...before, freezes: others }, `unfroze ${target}`] as const;
    }
    const frozen: Frozen = { repo, stage, reason, by: request.person, atMs: nowMs() };
    return [{ ...before, freezes: [...others, frozen] }, `froze ${target}: ${freezeText(frozen)}`] as const;
  });
  await audit({ event: 'done', request, target, changes: [line] });
  return answer([line]);
}

export function freezeText({ by, atMs, reason }: Frozen): string {
  const since = new Date(atMs).toISOString().slice(0, 16);
  return `by ${oneLine(by.name)} since ${since}Z${reason === '' ? '' : `, ${reason}`}`;
}
