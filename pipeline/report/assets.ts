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

const require = createRequire(import.meta.url);
let read: readonly Asset[] | undefined;

/** The style, then the scripts in their order; read once. */
export function reportAssets(): readonly Asset[] {
  read ??= readAssets();
  return read;
}

function readAssets(): readonly Asset[] {
  try {
    return [
      asset('style', 'css', 'text/css', `${textOf(require.resolve('uplot/dist/uPlot.min.css'))}\n${STYLE}`),
      asset('uplot', 'js', 'text/javascript', textOf(require.resolve('uplot/dist/uPlot.iife.min.js'))),
      asset('site', 'js', 'text/javascript', siteScript()),
    ];
  } catch (cause) {
    throw new SamovarError('config', 'cannot read uplot, which draws the charts', {
      remedy: 'The installation is incomplete: run `npm ci` again, or check the image.',
      cause,
    });
  }
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

function textOf(file: string): string {
  return readFileSync(file, 'utf8');
}
