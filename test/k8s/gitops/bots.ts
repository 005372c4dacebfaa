import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { AuditEntry } from '../../../pipeline/k8s/gitops/audit.ts';
import { createBot } from '../../../pipeline/k8s/gitops/bot.ts';
import type { Person } from '../../../pipeline/k8s/gitops/command.ts';
import { type GitopsConfig, parseGitops } from '../../../pipeline/k8s/gitops/config.ts';
import { createEngine, type EngineOptions } from '../../../pipeline/k8s/gitops/engine.ts';
import type { BotOptions } from '../../../pipeline/k8s/gitops/handling.ts';
import { memoryState } from '../../../pipeline/k8s/gitops/state.ts';

export const CONFIGS = `
configs:
- type: 1
  repo: api
  stages: [dev, staging, prod]
  projects: [tv]
  services: []
- type: 2
  repo: shop
  stages: [dev, prod]
  projects: [tv, radio]
  services: [web, cron]
`;

export const ANN: Person = { id: 'cli:ann', name: 'ann' };
export const BEN: Person = { id: 'slack:U2', name: 'ben' };
export const CEM: Person = { id: 'slack:U3', name: 'cem' };

export function configOf(url: string, more = ''): Promise<GitopsConfig> {
  return parseGitops(`git: {url: '${url}', branch: main}\n${CONFIGS}${more}`, 'gitops.yaml');
}

interface Parts {
  readonly config: GitopsConfig;
  /** Of this bot's own clone. */
  readonly root: string;
  readonly engine?: Partial<EngineOptions>;
  readonly bot?: Partial<BotOptions>;
}

/** A bot over a real clone, whose clock is told and whose sleeps are none. */
export function botOf({ config, root, engine: ways = {}, bot: more = {} }: Parts) {
  const stop = new AbortController();
  afterAll(() => stop.abort());
  const clock = { ms: Date.UTC(2026, 0, 5, 12) };
  const audit: AuditEntry[] = [];
  const logs: string[] = [];
  const engine = createEngine({
    place: config.git,
    commit: config.commit,
    folder: join(root, `clone-${randomUUID()}`),
    signal: stop.signal,
    sleep: async () => undefined,
    random: () => 0.5,
    log: (message) => logs.push(message),
    ...ways,
  });
  let random = 0;
  const bot = createBot({
    config,
    engine,
    state: memoryState(),
    audit: async (entry) => void audit.push(entry),
    nowMs: () => clock.ms,
    random: () => {
      random = (random + 0.37) % 1;
      return random;
    },
    ...more,
  });
  let count = 0;
  const ask = (text: string, person = ANN) => {
    count += 1;
    return bot.handle({ id: `request-${count}`, person, text });
  };
  return { ask, bot, engine, audit, logs, clock };
}
