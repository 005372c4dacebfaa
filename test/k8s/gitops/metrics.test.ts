import { expect, test } from 'vitest';
import { SamovarError } from '../../../pipeline/errors.ts';
import type { Bot } from '../../../pipeline/k8s/gitops/bot.ts';
import { createGitopsMetrics } from '../../../pipeline/k8s/gitops/metrics.ts';
import { metricsPages } from '../../../pipeline/k8s/gitops/pages.ts';
import { tempFolder } from '../../support/temp.ts';
import { ANN, botOf, configOf } from './bots.ts';
import { bareRepository } from './repository.ts';

const root = tempFolder();
const samples = async (metrics: { render(): Promise<string> }) =>
  (await metrics.render()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const metricsOf = (queue = { repository: 'file:///configs', waiting: 0 }) => {
  let nowMs = 0;
  const clock = () => {
    nowMs += 250;
    return nowMs;
  };
  return createGitopsMetrics(clock, { queue: () => queue });
};

test('commands are counted by what they came to, with no label that somebody typed', async () => {
  const metrics = metricsOf();
  const bot = (handle: Bot['handle']) => metrics.watched({ handle });
  const ask = (one: Bot, text: string) => one.handle({ id: '1', person: ANN, text }).catch(() => undefined);
  await ask(
    bot(async () => ({ state: 'done', lines: [] })),
    'deploy api env=dev image-tag=v2',
  );
  const refusing = bot(async () => {
    throw new SamovarError('denied', 'no');
  });
  await ask(refusing, 'release api');
  await ask(refusing, 'drop"}\n tables');
  await ask(
    bot(async () => {
      throw new Error('a bug');
    }),
    '',
  );
  const lines = (await samples(metrics)).filter((line) => line.startsWith('samovar_gitops_commands_total'));
  expect(lines).toEqual([
    'samovar_gitops_commands_total{command="deploy",outcome="done"} 1',
    'samovar_gitops_commands_total{command="release",outcome="denied"} 1',
    'samovar_gitops_commands_total{command="other",outcome="denied"} 1',
    'samovar_gitops_commands_total{command="help",outcome="bug"} 1',
  ]);
  expect(await samples(metrics)).toContain('samovar_gitops_command_seconds_sum{command="deploy"} 0.25');
});

test('the queue, runs of git and races are counted where they happen', { timeout: 60_000 }, async () => {
  const repository = bareRepository(root);
  const queue = { repository: repository.url, waiting: 0 };
  const metrics = metricsOf(queue);
  let races = 1;
  const { ask, engine } = botOf({
    config: await configOf(repository.url),
    root,
    engine: {
      onGit: metrics.git,
      onRetry: metrics.pushRetried,
      check: async () => {
        queue.waiting = engine.waiting;
        if (races-- > 0) repository.pushed();
      },
    },
  });
  await Promise.all([ask('deploy api env=dev image-tag=v2'), ask('deploy api env=dev image-tag=v3')]);
  const lines = await samples(metrics);
  expect(lines).toContain('samovar_gitops_push_retries_total{why="lost"} 1');
  expect(lines).toContain('samovar_gitops_push_retries_total{why="failed"} 0');
  expect(lines).toContain(`samovar_gitops_queue{repository="${repository.url}"} 1`);
  expect(lines).toContain('samovar_gitops_git_seconds_count{command="push",outcome="done"} 2');
  expect(lines).toContain('samovar_gitops_git_seconds_count{command="push",outcome="failed"} 1');
  expect(lines).toContain('samovar_gitops_git_seconds_count{command="commit",outcome="done"} 3');
});

test('health and metrics are pages of their own', async () => {
  const metrics = metricsOf();
  metrics.refused('slack', 'late');
  const app = metricsPages(metrics);
  expect(await (await app.request('/healthz')).text()).toBe('ok');
  const page = await app.request('/metrics');
  expect(page.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  expect(await page.text()).toContain('samovar_gitops_requests_refused_total{from="slack",reason="late"} 1');
  expect((await app.request('/v1/commands', { method: 'POST' })).status).toBe(404);
});
