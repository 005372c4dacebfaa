import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** The token of the recordings. */
export const FIXTURES_TOKEN = '0000000000000000000000000000000000000001';

/** Starts the server of GitHub's recorded answers; gives a scenario's own endpoint, each good for one run through it. */
export async function startFixtures(): Promise<(scenario: string) => Promise<string>> {
  const main = join(import.meta.dirname, 'github-fixtures-main.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', main], { stdio: ['pipe', 'pipe', 'inherit'] });
  afterAll(() => child.stdin.end());
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const base = `http://127.0.0.1:${line.toString().trim()}`;
  return async (scenario) => {
    const answer = await fetch(`${base}/fixtures`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ scenario }),
    });
    if (answer.status !== 201) throw new Error(`no scenario ${scenario}: ${await answer.text()}`);
    const { url } = (await answer.json()) as { url: string };
    return url.replace('//localhost:', '//127.0.0.1:');
  };
}
