import { type Logger, pino } from 'pino';
import { paint } from './colour.ts';
import { safeText } from './text.ts';

type Level = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Logs go to stderr, stdout is for data: in plain words on a terminal, structured for everything else. */
export function createLog(level: Level, interactive: boolean): Logger {
  const options = { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime };
  if (!interactive) return pino(options, pino.destination({ dest: 2, sync: true }));
  return pino(options, { write: (line: string) => void process.stderr.write(`${plainLine(line)}\n`) });
}

function plainLine(line: string): string {
  const { level, time: _time, msg, ...details } = JSON.parse(line) as Record<string, unknown>;
  const more = Object.entries(details).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const { red, yellow } = paint('stderr');
  const label = Number(level) >= 50 ? red('error: ') : Number(level) >= 40 ? yellow('warning: ') : '';
  return `${label}${safeText(`${String(msg)}${more.length > 0 ? ` (${more.join(', ')})` : ''}`)}`;
}
