import type { LiveReport } from '../../report/models.ts';
import type { Answer, Keep } from './keep.ts';
import type { QueryPages } from './options.ts';
import { noSuch, ReportRefusal } from './refusal.ts';

const NAME_CHARS_MAX = 4_000;
export const QUERY_ROWS = 1_000;

/** Each view's model out of what is kept, as pages and the JSON interface ask for it. Throws `ReportRefusal` for what is not there. */
export function createViews(source: LiveReport, keep: Keep, queries: QueryPages) {
  const overview = () => keep.get('overview', (signal) => source.overview(signal));
  const jobs = () => keep.get('jobs', (signal) => source.jobs(signal));
  const clusters = () => keep.get('clusters', () => source.clusters());
  /** A name that no build has costs no more than a look at the list of jobs, which is kept. */
  const known = async (job: string) => {
    const { model } = await jobs();
    if (!model.jobs.some((one) => one.job === job)) throw noSuch('job');
  };
  return {
    ...{ overview, jobs, clusters },
    async job(job: string) {
      await known(job);
      return there('job', await keep.get(keyOf('job', job), (signal) => source.job(job, signal)));
    },
    async grid(job: string, bounds: { readonly builds: number; readonly tests: number }) {
      await known(job);
      const key = keyOf(`grid ${bounds.builds} ${bounds.tests}`, job);
      return there('job', await keep.get(key, (signal) => source.grid(job, bounds, signal)));
    },
    async buildsOf(job: string, limit: number) {
      await known(job);
      return keep.get(keyOf(`builds ${limit}`, job), (signal) => source.buildsOf(job, limit, signal));
    },
    async test(test: string) {
      return there('test', await keep.get(keyOf('test', test), (signal) => source.test(test, signal)));
    },
    async build(path: string) {
      return there('build', await keep.get(keyOf('build', path), (signal) => source.build(path, signal)));
    },
    tests(text: string) {
      return keep.get(keyOf('tests', text.trim()), (signal) => source.searchTests(text.trim(), signal));
    },
    async cluster(id: string) {
      const { model, ...rest } = await clusters();
      const cluster = model.result.clusters.find((one) => one.id === id);
      return there('group of failures', { ...rest, model: cluster, json: JSON.stringify(cluster) });
    },
    queries: queries.list,
    async query(name: string, wish: Parameters<QueryPages['run']>[1]) {
      if (!queries.list.some((one) => one.name === name))
        throw new ReportRefusal(404, 'there is no such query', { remedy: 'See /api/v1/queries.' });
      const key = keyOf(`query ${wish.days ?? ''} ${wish.limit} ${JSON.stringify(wish.job ?? null)}`, name);
      return keep.get(key, (signal) => queries.run(name, wish, signal));
    },
  };
}

export type Views = ReturnType<typeof createViews>;

function keyOf(view: string, name: string): string {
  if (name.length > NAME_CHARS_MAX)
    throw new ReportRefusal(414, `a name has at most ${NAME_CHARS_MAX} characters`);
  return `${view} ${name}`;
}

function there<T>(what: Parameters<typeof noSuch>[0], answer: Answer<T | undefined>): Answer<T> {
  const { model } = answer;
  if (model === undefined) throw noSuch(what);
  return { ...answer, model };
}
