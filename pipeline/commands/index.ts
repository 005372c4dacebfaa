import { lazily } from './lazy.ts';

/** Every command by its own words; each is read when it is asked for. */
export const COMMANDS = [
  lazily(
    'update',
    'One whole cycle: collect, then bring every table up to date',
    async () => (await import('./update.ts')).updateCommand,
  ),
  lazily(
    'stream',
    'Follow finished builds as they are told of, and bring their rows into every table',
    async () => (await import('./stream.ts')).streamCommand,
  ),
  lazily(
    'setup',
    'Make what streaming needs: topic, subscription, notifications, rights, dataset, tables',
    async () => (await import('./setup.ts')).setupCommand,
  ),
  lazily(
    'make-db',
    'Collect builds from the buckets into SQLite',
    async () => (await import('./make-db.ts')).makeDbCommand,
  ),
  lazily(
    'make-json [paths..]',
    'Write rows that were not emitted yet as newline-delimited JSON',
    async () => (await import('./make-json.ts')).makeJsonCommand,
  ),
  lazily(
    'bq-load [files..]',
    'Load emitted files into the warehouse, or make file and load in one go',
    async () => (await import('./bq-load.ts')).bqLoadCommand,
  ),
  lazily(
    'backfill',
    'One-off: collect a range of old builds and load them into a table',
    async () => (await import('./backfill.ts')).backfillCommand,
  ),
  lazily(
    'prune',
    'Drop raw JUnit XML that has outlived its retention; rows stay',
    async () => (await import('./prune.ts')).pruneCommand,
  ),
  lazily(
    'ledger',
    'What was written where: show it, compare it with the tables, mend what differs',
    async () => (await import('./ledger.ts')).ledgerCommand,
  ),
  lazily(
    'dead-letters',
    'What could not be collected or loaded, and why',
    async () => (await import('./dead-letters.ts')).deadLettersCommand,
  ),
  lazily(
    'junit <files..>',
    'Read local JUnit files and show their suites, failing tests and what is wrong with them',
    async () => (await import('./junit.ts')).junitCommand,
  ),
  lazily(
    'status',
    'In ten lines: how everything stands, and what to do next',
    async () => (await import('./status.ts')).statusCommand,
  ),
  lazily(
    'monitor',
    'How large and how old tables, buckets, dead letters and the disk are; exit 1 beyond a limit',
    async () => (await import('./monitor.ts')).monitorCommand,
  ),
  lazily(
    'doctor',
    'Check configuration, credentials, rights, databases, clock and versions, each with a remedy',
    async () => (await import('./doctor.ts')).doctorCommand,
  ),
  lazily(
    'query [name]',
    'Ask the warehouse what the builds tell: health, failures, flakes, regressions',
    async () => (await import('./query.ts')).queryCommand,
  ),
  lazily(
    'serve',
    'Serve the dashboard and its JSON interface, live over the warehouse',
    async () => (await import('./serve.ts')).serveCommand,
  ),
  lazily(
    'triage',
    'Group failures whose texts are nearly the same, over all jobs and tests',
    async () => (await import('./triage.ts')).triageCommand,
  ),
  lazily(
    'metrics',
    'Publish the ten metrics of builds as JSON files, as Kubernetes does',
    async () => (await import('./metrics.ts')).metricsCommand,
  ),
  lazily(
    'report',
    'Write a static site of jobs, tests, builds and failures: to open from disk or to serve',
    async () => (await import('./report.ts')).reportCommand,
  ),
  lazily(
    'mutation-log',
    'Mutation logs of GitHub repositories: follow, keep, verify, serve and move them',
    async () => (await import('./mutation-log.ts')).mutationLogCommand,
  ),
  lazily(
    'cache',
    'Caches of what slow upstreams say: refresh, keep and serve them',
    async () => (await import('./cache.ts')).cacheCommand,
  ),
  lazily(
    'k8s',
    'Helpers on Kubernetes: a fleet of mutation logs, apps that sleep and wake, releases by chat',
    async () => (await import('./k8s.ts')).k8sCommand,
  ),
  lazily(
    'config',
    'Check or show the configuration',
    async () => (await import('./config.ts')).configCommand,
  ),
  lazily(
    'completion [shell]',
    'Print a script that completes commands, flags and names, for bash, zsh or fish',
    async () => (await import('./completion.ts')).completionCommand,
  ),
] as const;
