import { html } from 'hono/html';
import type { Cache } from '../../../cache/engine.ts';
import { SamovarError } from '../../../errors.ts';
import { HttpRefusal } from '../refusal.ts';
import type { Html } from './layout.ts';
import { bytes } from './words.ts';

/** What a form or a link says: text only. */
export type Params = Readonly<Record<string, string | undefined>>;

/** Something an operator can do from the page. */
export interface Action {
  readonly title: string;
  /** What will happen, and further choices as fields of the form. */
  readonly explain: (cache: Cache, params: Params) => Html;
  /** Does it; what came of it, in words. */
  readonly run: (cache: Cache, params: Params) => string;
  readonly isDangerous?: boolean;
}

const KEY_CHARS_MAX = 256;

const refresh: Action = {
  title: 'Refresh',
  explain: (cache, params) => {
    const { name, kind } = providerOf(cache, params);
    if (kind !== 'keyed')
      return html`<p><strong>${name}</strong> is fetched anew as soon as a worker is free.</p>`;
    const { providers } = cache.clear({ provider: name }, { hard: false, dryRun: true, rewarm: true });
    return html`<p>Without a key, all ${countOf(providers)} entries of <strong>${name}</strong> are marked as stale and fetched anew
within the budgets of their hosts; meanwhile the old values are served.</p>${keyField('key', 'Only this key', params.key)}`;
  },
  run: (cache, params) => {
    const { name, kind } = providerOf(cache, params);
    const key = textOf(params, 'key');
    if (kind === 'keyed' && key === '') {
      const { wanted } = cache.clear({ provider: name }, { hard: false, dryRun: false, rewarm: true });
      return `${name}: ${wanted} refreshes are wanted.`;
    }
    const isNew = cache.want(name, key, 'manual');
    return isNew
      ? `${name}: a refresh is wanted.`
      : `${name}: a refresh was wanted already, or it is paused.`;
  },
};

const clear: Action = {
  title: 'Clear',
  isDangerous: true,
  explain: (cache, params) => {
    const { name } = providerOf(cache, params);
    const prefix = textOf(params, 'prefix');
    const selection = { provider: name, ...(prefix !== '' && { prefix }) };
    const { providers } = cache.clear(selection, { hard: false, dryRun: true, rewarm: true });
    return html`<p>These entries${prefix === '' ? '' : html` whose key begins with <code>${prefix}</code>`} are cleared and fetched anew:</p>
<ul>${providers.map((one) => html`<li><strong>${one.provider}</strong>: ${one.entries} entries, ${bytes(one.bytes)}${one.derived ? ', made of the others' : ''}</li>`)}</ul>
${keyField('prefix', 'Only keys that begin with (taken literally)', prefix)}
<fieldset><legend>How</legend>
<label class="choice"><input type="radio" name="how" value="soft" checked> Soft: the old values are served until the new ones are in</label>
<label class="choice"><input type="radio" name="how" value="hard"> Hard: deleted at once; answers are partial until the new values are in</label></fieldset>`;
  },
  run: (cache, params) => {
    const { name } = providerOf(cache, params);
    const prefix = textOf(params, 'prefix');
    if (params.how !== 'soft' && params.how !== 'hard') throw new HttpRefusal(400, 'how: give soft or hard');
    const selection = { provider: name, ...(prefix !== '' && { prefix }) };
    const { providers, wanted } = cache.clear(selection, {
      hard: params.how === 'hard',
      dryRun: false,
      rewarm: true,
    });
    return `${countOf(providers)} entries were cleared, ${wanted} refreshes are wanted.`;
  },
};

function pausing(paused: boolean): Action {
  const what = paused ? 'Pause' : 'Resume';
  return {
    title: what,
    explain: (cache, params) =>
      html`<p>${what} <strong>${params.provider === undefined ? 'all providers' : providerOf(cache, params).name}</strong>. ${
        paused
          ? 'Refreshes under way end, no new ones begin; what is cached is served, and ages.'
          : 'Refreshes that are due begin again.'
      }</p>`,
    run: (cache, params) => {
      const name = params.provider === undefined ? undefined : providerOf(cache, params).name;
      cache.pause(name, paused);
      return `${name ?? 'All providers'}: ${paused ? 'paused' : 'resumed'}.`;
    },
  };
}

const retry: Action = {
  title: 'Retry',
  explain: (_, params) => html`<p>Job ${jobOf(params)} is tried again as soon as a worker is free.</p>`,
  run: (cache, params) =>
    cache.retry(jobOf(params)) ? 'It is tried again.' : 'There is no such job any more.',
};

const cancel: Action = {
  title: 'Cancel',
  isDangerous: true,
  explain: (_, params) =>
    html`<p>Job ${jobOf(params)} is taken away. What is cached stays; the next schedule, or the next reader, may want it again.</p>`,
  run: (cache, params) =>
    cache.cancel(jobOf(params)) ? 'It is cancelled.' : 'There is no such job any more.',
};

const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ['refresh', refresh],
  ['clear', clear],
  ['pause', pausing(true)],
  ['resume', pausing(false)],
  ['retry', retry],
  ['cancel', cancel],
]);

/** Refuses (400) what there is none of. */
export function actionOf(params: Params): Action {
  const action = ACTIONS.get(params.do ?? '');
  if (action === undefined) throw new HttpRefusal(400, `do: give one of ${[...ACTIONS.keys()].join(', ')}`);
  return action;
}

/** Carries out; the cache's own refusals are the operator's to read. */
export function runAction(cache: Cache, params: Params): string {
  const action = actionOf(params);
  try {
    return action.run(cache, params);
  } catch (error) {
    if (error instanceof SamovarError && error.code === 'config') throw new HttpRefusal(400, error.message);
    throw error;
  }
}

function providerOf(cache: Cache, { provider }: Params) {
  const found = cache.providers.find(({ name }) => name === provider);
  if (found === undefined) throw new HttpRefusal(400, 'provider: there is none of this name');
  return found;
}

function jobOf({ job }: Params): number {
  if (job !== undefined && /^\d{1,15}$/.test(job)) return Number(job);
  throw new HttpRefusal(400, 'job: give its number');
}

function textOf(params: Params, name: string): string {
  const text = params[name] ?? '';
  if (text.length > KEY_CHARS_MAX) throw new HttpRefusal(400, `${name}: at most ${KEY_CHARS_MAX} characters`);
  return text;
}

function keyField(name: string, label: string, value: string | undefined): Html {
  return html`<label for="f-${name}">${label}</label><input type="text" id="f-${name}" name="${name}" value="${value ?? ''}" maxlength="${KEY_CHARS_MAX}" autocomplete="off">`;
}

function countOf(providers: readonly { readonly entries: number }[]): number {
  return providers.reduce((sum, { entries }) => sum + entries, 0);
}
