import { fileURLToPath } from 'node:url';
import { createMetrics } from '../../pipeline/monitor/metrics.ts';
import { createProgress } from '../../pipeline/monitor/progress.ts';
import { encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import { startServer } from '../../pipeline/serve/server.ts';
import { openStore } from '../../pipeline/store/open.ts';

export const SERVE_SCRIPT: string = fileURLToPath(import.meta.url);

/** Serves o/r of a database as `mutation-log serve` does; says where, and after each message how much memory and time it took. */
async function main([db = '']: readonly string[]): Promise<void> {
  const [nowMs, monotonicMs] = [() => Date.now(), () => performance.now()];
  const store = openStore(db, { nowMs });
  const one = { repo: store.corpus.repo('o', 'r'), state: () => ({ ready: true, detail: 'following' }) };
  const progress = createProgress({ nowMs, monotonicMs, limitMs: 600_000 });
  const server = await startServer({
    served: { repos: () => [one], find: () => one, logins: store.corpus },
    addresses: { grpc: '0' },
    encodeTombstone: (owner, repo, number) =>
      encodeMutation({ githubIssue: { owner, repo, number, notExist: true } }),
    progress,
    metrics: createMetrics(progress),
    nowMs,
    monotonicMs,
    log: (message, error) => console.error(message, error),
  });
  const tell = () => {
    const { user, system } = process.cpuUsage();
    const rssBytes = process.memoryUsage().rss;
    process.send?.({
      address: server.grpc,
      rssBytes,
      maxRssBytes: process.resourceUsage().maxRSS * 1024,
      cpuS: (user + system) / 1e6,
    });
  };
  process.on('message', tell);
  process.on('disconnect', () => process.exit());
  tell();
}

if (process.argv[1] === SERVE_SCRIPT) await main(process.argv.slice(2));
