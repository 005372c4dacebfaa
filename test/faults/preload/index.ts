/**
 * Loaded before the command (`node --import`): numbers its side effects and kills it at one of them, or makes its world a worse
 * one. The product itself knows nothing of it. What is not asked for is not loaded either: most runs here are short.
 */
const { env } = process;

async function given(name: string, use: (value: string) => Promise<void>): Promise<void> {
  const value = env[`SAMOVAR_FAULT_${name}`];
  if (value !== undefined && value !== '') await use(value);
}

await given('CLOCK_SECONDS', async (value) => (await import('./world.ts')).shiftClock(Number(value)));
await given('HURRY', async (value) => (await import('./world.ts')).hurry(Number(value)));
await given('PAGES_MORE', async (value) => (await import('./world.ts')).limitPages(Number(value)));
if (env.SAMOVAR_FAULT_KILL_AT !== undefined || env.SAMOVAR_FAULT_LOG !== undefined) {
  const watches = [
    (await import('./sqlite.ts')).watchSqlite,
    (await import('./files.ts')).watchFiles,
    (await import('./http.ts')).watchHttp,
    (await import('./duckdb.ts')).watchDuckDb,
  ];
  for (const watch of watches) await watch();
  if (process.argv.includes('stream')) (await import('./grpc.ts')).watchGrpc();
}
// Last, so that what is broken is seen as what it does.
await given('BREAK', async (value) => (await import('./broken.ts')).breakPipeline(value));

export {};
