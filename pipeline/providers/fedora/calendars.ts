import { calendarsValue } from '../../records/cache/calendars.ts';
import { HOUR_MS } from '../clocks.ts';
import { base, type FedoraProvider, usual } from './make.ts';
import { list, mapping, object, TEXT, TEXT_OR_NULL } from './shapes.ts';

export const CALENDARS = 'calendars';
const BYTES_MAX = 8 * 2 ** 20;

export const calendars: FedoraProvider = {
  name: CALENDARS,
  needs: ['calendars'],
  make: (config) => {
    const url = base(config, 'calendars');
    return usual(config, 12 * HOUR_MS, {
      name: CALENDARS,
      title: 'Events of packages',
      kind: 'single',
      schema: mapping(list(object({ summary: TEXT, date: TEXT, url: TEXT_OR_NULL, calendar_name: TEXT }))),
      upstream: url,
      // Not conditional: which events are still to come changes with the day, whatever the calendar does.
      fetch: async ({ http, nowMs }) => {
        const answer = await http.getText(url, { bytesMax: BYTES_MAX });
        if (answer.kind !== 'value') return answer;
        return {
          kind: 'value',
          ...calendarsValue([{ name: nameOf(url), text: answer.value, packages: [] }], nowMs),
        };
      },
    });
  },
};

/** The file's name without its ending: what a calendar is called that does not say it. */
function nameOf(url: string): string {
  return (
    new URL(url).pathname
      .split('/')
      .at(-1)
      ?.replace(/\.ics$/, '') || 'calendar'
  );
}
