import { type Environment, EvaluationError, ParseError } from '@marcbachmann/cel-js';
import { boundedRunner } from './bounded.ts';
import { environment, type Variable } from './filter-types.ts';
import { Refusal } from './status.ts';

const CHARS_MAX = 4_000;
/** For so many items at most: a filter that takes longer is of another kind than what a list is for. */
const SLICE_MS = 250;
const SLICE_ITEMS = 100;

/** A CEL expression over one variable. */
export interface Filter {
  /** Whether the text names this field at all: what it does not name need not be looked up. */
  mentions(field: string): boolean;
  /**
   * Which items match, in their order. One that has not got what the filter looks at (a time, a first label) does not. Refuses
   * (`RESOURCE_EXHAUSTED`) when it takes too long.
   */
  matching<T>(items: readonly T[], view: (item: T) => object, nowMs: number): readonly T[];
}

export interface Filters {
  /** Undefined for an empty text. Refuses (`INVALID_ARGUMENT`) with the place of the mistake. */
  compile(variable: Variable, text: string, name?: string): Filter | undefined;
}

type Program = ReturnType<Environment['parse']>;

export function createFilters({ sliceMs = SLICE_MS }: { readonly sliceMs?: number } = {}): Filters {
  const environments = {
    issue: environment('issue'),
    comment: environment('comment'),
    repository: environment('repository'),
  };
  const bounded = boundedRunner();
  return {
    compile: (variable, text, name = 'filter') => {
      if (text.trim() === '') return undefined;
      if (text.length > CHARS_MAX)
        throw new Refusal(
          'INVALID_ARGUMENT',
          `${name}: ${text.length} characters, at most ${CHARS_MAX} may be`,
        );
      const program = compiled(environments[variable], text, name);
      const words = new Set(text.match(/\w+/g));
      const inTime = <T>(items: readonly T[], view: (item: T) => object, now: Date): readonly T[] => {
        // Outside the bound: the views read the database.
        const views = items.map(view);
        const work = () => items.filter((_, at) => matches(program, { [variable]: views[at], now }));
        const first = bounded(sliceMs, work);
        // The clock on the wall: once it may have been the machine that had no time.
        const result = first.late ? bounded(sliceMs, work) : first;
        if (!result.late) return result.value;
        const what = `it takes more than ${sliceMs} ms for ${items.length} items`;
        throw new Refusal('RESOURCE_EXHAUSTED', `${name}: ${what}: write a simpler one`);
      };
      return {
        mentions: (field) => words.has(field),
        matching: (items, view, nowMs) => parts(items).flatMap((part) => inTime(part, view, new Date(nowMs))),
      };
    },
  };
}

function parts<T>(items: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / SLICE_ITEMS);
  return Array.from({ length: count }, (_, at) => items.slice(at * SLICE_ITEMS, (at + 1) * SLICE_ITEMS));
}

/** As `null` in SQL: what cannot be said of an item is not true of it. */
function matches(program: Program, context: Readonly<Record<string, unknown>>): boolean {
  try {
    return program(context) === true;
  } catch (error) {
    if (error instanceof EvaluationError) return false;
    throw error;
  }
}

function compiled(env: Environment, text: string, name: string): Program {
  try {
    const program = env.parse(text);
    const { valid, type, error } = program.check();
    if (!valid) throw error;
    if (type === 'bool') return program;
    throw new Refusal(
      'INVALID_ARGUMENT',
      `${name}: it gives ${type}, and must give bool (true: the item is listed)`,
    );
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw mistake(error, text, name);
  }
}

function mistake(error: unknown, text: string, name: string): Refusal {
  const kind = error instanceof ParseError ? 'cannot be read' : 'does not fit the types';
  const { summary, range, message } = error as Partial<ParseError>;
  const what = summary ?? message?.split('\n')[0] ?? 'not CEL';
  return new Refusal('INVALID_ARGUMENT', `${name} ${kind}: ${what}${placeText(text, range?.start)}`);
}

/** Line and column as an editor counts them, from 1. */
function placeText(text: string, start: number | undefined): string {
  if (start === undefined) return '';
  const before = text.slice(0, start).split('\n');
  return ` (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`;
}
