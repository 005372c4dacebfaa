import { isDeepStrictEqual } from 'node:util';
import { SamovarError } from '../../errors.ts';
import { makeChange } from './apply.ts';
import { type Person, targetText } from './command.ts';
import type { Handling } from './handling.ts';
import { changeLines, type Edit, oneLine } from './messages.ts';
import { authorise, isAmong } from './permissions.ts';
import { answer, type Reply } from './reply.ts';
import type { Waiting } from './state.ts';
import { unexpired } from './waiting.ts';

/** approve, reject and confirm. The last vote that is needed makes the change. */
export async function votes(
  handling: Handling,
  { name, id }: { readonly name: 'approve' | 'reject' | 'confirm'; readonly id: string },
): Promise<Reply> {
  const { state, request, nowMs, audit, config } = handling;
  const { person } = request;
  const { waiting, isReady } = await state.update((before) => {
    const open = unexpired(before, nowMs());
    const found = open.find((one) => one.id === id);
    if (found === undefined)
      throw refused(`nothing waits under ${id}`, 'It may have been done, rejected, or too old.');
    check(found, person, name, (who) => isAmong(person, who, config.groups));
    const voted: Waiting = name === 'reject' ? found : { ...found, votes: [...found.votes, person] };
    const ready = name === 'confirm' || (name === 'approve' && voted.votes.length >= voted.count);
    const gone = ready || name === 'reject';
    const rest = open.flatMap((one) => (one.id !== id ? [one] : gone ? [] : [voted]));
    return [
      { ...before, waiting: rest },
      { waiting: voted, isReady: ready },
    ] as const;
  });
  await audit({ event: name === 'reject' ? 'rejected' : 'approved', request, of: waiting.request.id });
  const of = `${waiting.change.name} ${targetText(waiting.change)} of ${oneLine(waiting.request.person.name)}`;
  if (name === 'reject') return answer([`rejected: ${of}`]);
  if (!isReady) {
    const lines = [`approved: ${of}; ${waiting.votes.length} of ${waiting.count}`];
    return { state: 'waiting', lines, waiting: { id, for: 'approval' } };
  }
  // What was allowed when it was asked for may not be any more.
  authorise(config, waiting.request.person, waiting.change);
  const approvals = name === 'confirm' ? [] : waiting.votes;
  return makeChange(handling, waiting.change, {
    asked: waiting.request,
    approvals,
    checkEdits: sameAs(waiting),
  });
}

function check(
  waiting: Waiting,
  person: Person,
  name: string,
  isOf: (who: readonly string[]) => boolean,
): void {
  const isOwn = waiting.request.person.id === person.id;
  if (name === 'reject' && isOwn) return;
  if (name === 'confirm') {
    if (waiting.count > 0) throw refused('it waits for approval of others, not for you to confirm');
    if (!isOwn) throw denied('only who asked for it can confirm it');
    return;
  }
  if (waiting.count === 0) throw refused('it waits for its requester to confirm it');
  if (name === 'approve' && isOwn) throw denied('you asked for it: others must approve it');
  if (!isOf(waiting.from)) throw denied(`${oneLine(person.name)} is not among those who approve it`);
  if (waiting.votes.some(({ id }) => id === person.id)) throw refused('you have approved it already');
}

/** Approved was what they were shown: where that changed, they must be asked again. */
function sameAs({ edits: shown }: Waiting) {
  return (edits: readonly Edit[]) => {
    const now = changeLines(edits);
    if (edits.every(({ old, new: wanted }) => old === wanted) || isDeepStrictEqual(now, shown)) return;
    throw new SamovarError(
      'conflict',
      `it is not what was shown any more: ${now.join('; ')}, and not ${shown.join('; ')}`,
      { remedy: 'Ask for it again.' },
    );
  };
}

const refused = (message: string, remedy = 'Say pending to see what waits.') =>
  new SamovarError('refused', message, { remedy });
const denied = (message: string) => new SamovarError('denied', message);
