import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli } from '../../support/cli.ts';
import { tempFolder } from '../../support/temp.ts';
import { receiver } from './receiver.ts';

const folder = tempFolder();

test('samovar k8s router answers in the words of the original until it is stopped, and its traces are sent by then', async () => {
  const list = join(folder, 'list.json');
  writeFileSync(list, JSON.stringify({ repos: [{ repo: 'foo/bar', is_tracking_issues: true }] }));
  const traces = await receiver();
  let said = '';
  let answer: Promise<unknown> | undefined;
  const { code } = await cli(['k8s', 'router', '--repos', list, '--grpc', '0', '--http', '0'], {
    cwd: folder,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: traces.base },
    onStderr: (text, child) => {
      said += text;
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
      if (url === undefined || answer !== undefined) return;
      answer = fetch(`${url}/api/v1/foo/samples/issues`)
        .then((found) => found.json())
        .finally(() => child.kill('SIGTERM'));
    },
  });
  expect(await answer).toEqual({
    code: 5,
    status: 'NOT_FOUND',
    message: 'repository foo/samples is not tracking issues',
  });
  expect(code).toBe(143);
  expect(traces.spans).toMatchObject([{ service: 'samovar-router', name: 'ListIssues' }]);
}, 60_000);

test.each([
  ['--worker', 'worker.test:80'],
  ['--worker', '{service}.test:80/x'],
  ['--worker-at', 'o/r'],
  ['--worker-at', 'o/r=worker.test'],
  ['--supervisor', 'http://:x'],
  ['--grpc', 'everywhere'],
])(
  'it refuses %s %s',
  async (flag, value) => {
    const list = join(folder, 'list.json');
    writeFileSync(list, '{"repos":[]}');
    const { code } = await cli(['k8s', 'router', '--repos', list, '--http', '0', flag, value], {
      cwd: folder,
    });
    expect(code).toBe(2);
  },
  60_000,
);
