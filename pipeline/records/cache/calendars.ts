import ICAL from 'ical.js';
import { SamovarError } from '../../errors.ts';
import type { ByPackage } from './bodhi.ts';
import { group, linkOf, nameOf, textOf } from './fields.ts';
import { addDays, dayText } from './times.ts';

export type CalendarEvent = {
  readonly summary: string;
  /** `YYYY-MM-DD`. */
  readonly date: string;
  readonly url: string | null;
  readonly calendar_name: string;
};

export interface CalendarText {
  readonly name: string;
  readonly text: string;
  /** Whose calendar it is; an event may name others by its CATEGORIES. */
  readonly packages: readonly string[];
}

const DAYS_AHEAD = 400;
const EVENTS_MAX = 2000;
/** Occurrences that are looked at, of one event and of all: a rule may have begun decades ago, and repeat each second. */
const OCCURRENCES_MAX = 20_000;
const OCCURRENCES_ALL_MAX = 200_000;
const OCCURRENCES_KEPT_MAX = 60;

type Found = readonly [string, CalendarEvent];

/** Events from today on for 400 days, repeated ones at each of their days, by package. Throws `malformed` for what is no iCalendar. */
export function calendarsValue(calendars: readonly CalendarText[], nowMs: number): ByPackage<CalendarEvent> {
  const found: Found[] = [];
  const budget = { left: OCCURRENCES_ALL_MAX };
  let leftOut = 0;
  for (const calendar of calendars) {
    const events = eventsOf(calendar);
    leftOut += Math.max(0, events.length - EVENTS_MAX);
    for (const event of events.slice(0, EVENTS_MAX)) {
      const entries = entriesOf(event, calendar, { nowMs, budget });
      if (entries === undefined) leftOut += 1;
      else found.push(...entries);
    }
  }
  const order = ([, event]: Found) => `${event.date} ${event.calendar_name} ${event.summary}`;
  return { value: group(found.sort((a, b) => (order(a) < order(b) ? -1 : 1))), leftOut };
}

function eventsOf({ name, text }: CalendarText): readonly ICAL.Component[] {
  try {
    const root = new ICAL.Component(ICAL.parse(text) as unknown as [string, [], []]);
    if (root.name === 'vcalendar') return root.getAllSubcomponents('vevent');
  } catch (cause) {
    throw notCalendar(name, cause);
  }
  throw notCalendar(name);
}

function notCalendar(name: string, cause?: unknown): SamovarError {
  return new SamovarError('malformed', `the calendar ${name} cannot be read: it is no iCalendar`, {
    subject: name,
    remedy: 'Check the URL of the calendar in the file of providers.',
    cause,
  });
}

interface Expansion {
  readonly nowMs: number;
  readonly budget: { left: number };
}

/** Undefined: nothing that can be shown. */
function entriesOf(
  component: ICAL.Component,
  calendar: CalendarText,
  expansion: Expansion,
): readonly Found[] | undefined {
  try {
    const event = new ICAL.Event(component);
    const summary = textOf(event.summary);
    if (summary === undefined) return undefined;
    const url = linkOf(component.getFirstPropertyValue('url')) ?? null;
    const categories = component.getAllProperties('categories').flatMap((property) => property.getValues());
    const packages = new Set([...calendar.packages, ...categories.flatMap((one) => nameOf(one) ?? [])]);
    const days = daysOf(event, expansion);
    if (days === undefined) return undefined;
    return [...packages].flatMap((name) =>
      days.map((date) => [name, { summary, date, url, calendar_name: calendar.name }] as const),
    );
  } catch {
    return undefined;
  }
}

/** Undefined: too often repeated to be followed into our days. */
function daysOf(event: ICAL.Event, { nowMs, budget }: Expansion): readonly string[] | undefined {
  const [first, last] = [dayText(nowMs), dayText(addDays(nowMs, DAYS_AHEAD))];
  const isShown = (day: string) => day >= first && day <= last;
  if (!event.isRecurring()) return [dayOf(event.startDate)].filter(isShown);
  const days = new Set<string>();
  const occurrences = event.iterator();
  for (let looked = 0; looked < OCCURRENCES_MAX && budget.left > 0; looked += 1) {
    const next = occurrences.next();
    budget.left -= 1;
    if (!next || dayOf(next) > last || days.size >= OCCURRENCES_KEPT_MAX) return [...days];
    if (isShown(dayOf(next))) days.add(dayOf(next));
  }
  return days.size === 0 ? undefined : [...days];
}

function dayOf(time: ICAL.Time): string {
  return `${String(time.year).padStart(4, '0')}-${two(time.month)}-${two(time.day)}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
