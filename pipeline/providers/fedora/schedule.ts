import { SamovarError } from '../../errors.ts';
import { fieldsOf } from '../../records/cache/fields.ts';
import { rawhideOf } from '../../records/cache/releases.ts';
import { scheduleValue } from '../../records/cache/schedule.ts';
import { HOUR_MS } from '../clocks.ts';
import { base, type FedoraProvider, RELEASES, usual } from './make.ts';
import { list, object, TEXT } from './shapes.ts';

export const schedule: FedoraProvider = {
  name: 'schedule',
  needs: ['schedule', 'bodhi'],
  make: (config) => {
    const url = base(config, 'schedule');
    return usual(config, 12 * HOUR_MS, {
      name: 'schedule',
      title: 'Milestones of the release that is made',
      kind: 'single',
      schema: object({ schedule: list(object({ summary: TEXT, date: TEXT, current: { type: 'boolean' } })) }),
      upstream: url,
      dependsOn: [RELEASES],
      // Not conditional: which milestone is the next changes with the day.
      fetch: async ({ http, read, nowMs }) => {
        const release = nextRelease(read(RELEASES, ''));
        const answer = await http.getJson(`${url}/f-${release}/f-${release}-key.json`);
        if (answer.kind !== 'value') return answer;
        return { kind: 'value', ...scheduleValue(answer.value, release, nowMs) };
      },
    });
  },
};

/** The one that is branched, else Rawhide's. */
function nextRelease(releases: unknown): number {
  const branched = fieldsOf(fieldsOf(releases)?.fedora)?.branched;
  const release = typeof branched === 'number' ? branched : rawhideOf(releases);
  if (release !== undefined) return release;
  throw new SamovarError(
    'missing',
    'the schedule is that of the next release, and no releases are cached yet',
    {
      subject: RELEASES,
      remedy: `Refresh ${RELEASES} first.`,
    },
  );
}
