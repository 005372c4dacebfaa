import { abrtValue } from '../../records/cache/abrt.ts';
import { fieldsOf } from '../../records/cache/fields.ts';
import { addDays, dayText } from '../../records/cache/times.ts';
import { HOUR_MS } from '../clocks.ts';
import { base, type FedoraProvider, usual } from './make.ts';
import { list, object, TEXT, WHOLE } from './shapes.ts';

const DAYS = 30;

const SCHEMA = object({
  problems_present: { type: 'boolean' },
  retrace_link: TEXT,
  outstanding_problems: list(object({ id: WHOLE, crash_function: TEXT, count: WHOLE, url: TEXT })),
});

export const abrt: FedoraProvider = {
  name: 'abrt_issues',
  needs: ['faf'],
  make: (config) => {
    const faf = base(config, 'faf');
    return usual(config, 12 * HOUR_MS, {
      name: 'abrt_issues',
      title: 'Crashes of packages that people have reported',
      kind: 'keyed',
      schema: SCHEMA,
      upstream: faf,
      keys: { rule: 'seen' },
      empty: { problems_present: false, outstanding_problems: [] },
      fetch: async ({ http, key, nowMs }) => {
        const range = `${dayText(addDays(nowMs, -DAYS))}:${dayText(nowMs)}`;
        const name = encodeURIComponent(key.toWellFormed());
        const link = `${faf}/problems/?component_names=${name}&daterange=${range}`;
        const answer = await http.getJson(link, { headers: { accept: 'application/json' } });
        if (answer.kind !== 'value') return answer;
        return { kind: 'value', ...abrtValue(fieldsOf(answer.value)?.problems, { faf, link }) };
      },
    });
  },
};
