import { SamovarError } from '../../errors.ts';
import { type Change, targetText } from './command.ts';
import type { ApprovalRule } from './config.ts';
import type { Handling } from './handling.ts';
import type { Reply } from './reply.ts';
import type { BotState, Waiting } from './state.ts';

const HOURS = 24;
/** The requester looks at a diff: that takes minutes. */
const CONFIRM_HOURS = 1;
const HOUR_MS = 3_600_000;
const WAITING_MAX = 200;
const ID_CHARS = 6;

interface Shown {
  readonly rule: ApprovalRule | undefined;
  readonly edits: readonly string[];
  readonly preview: { readonly lines: readonly string[]; readonly diff: string };
}

/** Keeps a change until others approve it, or its requester confirms it. */
export async function waitFor(
  { state, request, nowMs, random, audit }: Handling,
  change: Change,
  { rule, edits, preview }: Shown,
): Promise<Reply> {
  const hours = rule === undefined ? CONFIRM_HOURS : (rule.hours ?? HOURS);
  const waiting: Waiting = {
    id: Math.floor(random() * 36 ** ID_CHARS)
      .toString(36)
      .padStart(ID_CHARS, '0'),
    request,
    change,
    edits,
    expiresMs: nowMs() + hours * HOUR_MS,
    count: rule?.count ?? 0,
    from: rule?.from ?? [],
    votes: [],
  };
  await state.update((before) => {
    const others = unexpired(before, nowMs()).filter(({ id }) => id !== waiting.id);
    if (others.length >= WAITING_MAX)
      throw new SamovarError('throttled', `${WAITING_MAX} changes wait already`);
    return [{ ...before, waiting: [...others, waiting] }, undefined] as const;
  });
  await audit({ event: 'waiting', request, target: targetText(change), changes: edits });
  const { id, count } = waiting;
  const next =
    count === 0
      ? `nothing is changed yet; to do it: confirm ${id}`
      : `nothing is changed yet; ${count} of ${waiting.from.join(', ')} must say: approve ${id}`;
  return {
    state: 'waiting',
    ...preview,
    lines: [...preview.lines, next],
    waiting: { id, for: count === 0 ? 'confirmation' : 'approval' },
  };
}

export function unexpired({ waiting }: BotState, nowMs: number): readonly Waiting[] {
  return waiting.filter(({ expiresMs }) => expiresMs > nowMs);
}
