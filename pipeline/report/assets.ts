import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { SamovarError } from '../errors.ts';
import { CHARTS_SCRIPT } from './scripts/charts.ts';
import { GRID_SCRIPT } from './scripts/grid.ts';
import { STATE_SCRIPT } from './scripts/state.ts';
import { TABLES_SCRIPT } from './scripts/tables.ts';
import { STYLE } from './style.ts';

/** A file that pages ask for, named by its content: a browser may keep it for ever. */
export interface Asset {
  readonly file: string;
  readonly type: string;
  readonly text: string;
}

let read: readonly Asset[] | undefined;

/** The style, then the scripts in their order; read once. */
export function reportAssets(): readonly Asset[] {
  read ??= [
    asset('style', 'css', 'text/css', `${ofUplot('uPlot.min.css')}\n${STYLE}`),
    asset('uplot', 'js', 'text/javascript', ofUplot('uPlot.iife.min.js')),
    asset('site', 'js', 'text/javascript', siteScript()),
  ];
  return read;
}

/** One script, each part with names of its own but for what STATE_SCRIPT gives to all. */
function siteScript(): string {
  const parts = [TABLES_SCRIPT, GRID_SCRIPT, CHARTS_SCRIPT].map((part) => `(() => {${part}})();`);
  return [STATE_SCRIPT, ...parts].join('\n');
}

function asset(name: string, ending: string, type: string, text: string): Asset {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return { file: `${name}.${hash}.${ending}`, type: `${type}; charset=utf-8`, text };
}

function ofUplot(name: string): string {
  try {
    return readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${name}`), 'utf8');
  } catch (cause) {
    throw new SamovarError('config', `cannot read ${name} of uplot, which draws the charts`, {
      remedy: 'The installation is incomplete: run `npm ci` again, or check the image.',
      cause,
    });
  }
}
