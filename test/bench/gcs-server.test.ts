import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCorpus } from '../../scripts/bench/corpus/index.ts';
import { matchesGlob } from '../../scripts/bench/gcs-glob.ts';
import { type BenchServer, startServer } from '../../scripts/bench/server-process.ts';

const CORPUS = { seed: 3, builds: 60, anchorMs: Date.UTC(2026, 10, 20) };
const { names, read } = createCorpus(CORPUS);
let server: BenchServer;

beforeAll(async () => {
  server = await startServer({ corpus: CORPUS });
});
afterAll(() => server.stop());

describe('the bench server', () => {
  it('lists what is there, whatever the page size, prefix, delimiter and offset', async () => {
    const job = names
      .find((name) => name.startsWith('logs/'))
      ?.split('/')
      .slice(0, 2)
      .join('/');
    const builds = [
      ...new Set(
        names
          .filter((name) => name.startsWith(`${job}/`))
          .map((name) => name.split('/').slice(0, 3).join('/')),
      ),
    ];
    for (const maxResults of ['1', '3', '1000']) {
      expect(
        (await listAll({ prefix: 'logs/', maxResults: maxResults === '1' ? '100' : maxResults })).items,
      ).toEqual(names.filter((name) => name.startsWith('logs/')));
      const folded = await listAll({ prefix: `${job}/`, delimiter: '/', maxResults });
      expect(folded.prefixes).toEqual(
        builds.filter((name) => !name.endsWith('.txt')).map((name) => `${name}/`),
      );
      expect(folded.items).toEqual([`${job}/latest-build.txt`]);
    }
    const from = names[Math.floor(names.length / 2)] ?? '';
    expect((await listAll({ startOffset: from })).items).toEqual(names.filter((name) => name >= from));
    expect((await listAll({ endOffset: from })).items).toEqual(names.filter((name) => name < from));
  });

  it('filters by glob and gives the fields that were asked for', async () => {
    const answer = await listAll({ prefix: 'logs/', matchGlob: '**/{junit*.xml,test.xml}' });
    expect(answer.items).toEqual(names.filter((name) => name.startsWith('logs/') && name.endsWith('.xml')));
    const [item] =
      (await list({ prefix: 'logs/', matchGlob: '**/junit*.xml', fields: 'items(name,size)' })).items ?? [];
    expect(item).toEqual({ name: item?.name, size: String(read(item?.name ?? '')?.length) });
  });

  it('gives objects with their generation, and 404 for what is not there', async () => {
    const name = names.find((candidate) => candidate.endsWith('.xml')) ?? '';
    const answer = await fetch(objectUrl(name));
    expect(Buffer.from(await answer.arrayBuffer()).equals(read(name) ?? Buffer.alloc(0))).toBe(true);
    expect(answer.headers.get('x-goog-generation')).toMatch(/^\d+$/);
    expect((await fetch(objectUrl('logs/none'))).status).toBe(404);
    const unchanged = await fetch(
      `${objectUrl(name)}&ifGenerationNotMatch=${answer.headers.get('x-goog-generation')}`,
    );
    expect(unchanged.status).toBe(304);
  });

  it('counts requests by kind until they are taken, and knows what it holds', async () => {
    await server.takeCounts();
    await fetch(objectUrl(names.find((name) => name.endsWith('started.json')) ?? ''));
    await list({ prefix: 'logs/' });
    expect(await server.takeCounts()).toEqual({ started: 1, list: 1 });
    expect(await server.takeCounts()).toEqual({});
    expect((await server.totals()).builds).toBe(CORPUS.builds);
  });

  it('waits before each answer when told to', async () => {
    await server.setLatency(60);
    const started = performance.now();
    await list({ prefix: 'logs/' });
    expect(performance.now() - started).toBeGreaterThan(55);
    await server.setLatency(0);
  });
});

describe('globs', () => {
  it.each([
    ['a/b/junit_01.xml', '**/junit*.xml', true],
    ['junit.xml', '**/junit*.xml', true],
    ['a/junit/x.xml', '**/junit*.xml', false],
    ['a/b.xml', '*.xml', false],
    ['a/test.xml', '**/{junit*.xml,test.xml}', true],
    ['a/tests.xml', '**/{junit*.xml,test.xml}', false],
    ['ab', 'a?', true],
    ['a/', 'a?', false],
    ['a,b', 'a,[!c]', true],
  ])('%s against %s: %s', (name, glob, expected) => {
    expect(matchesGlob(name, glob)).toBe(expected);
  });
});

interface Page {
  readonly items?: readonly { readonly name: string; readonly size?: string }[];
  readonly prefixes?: readonly string[];
  readonly nextPageToken?: string;
}

async function list(query: Readonly<Record<string, string>>): Promise<Page> {
  const answer = await fetch(
    `${server.endpoint}/storage/v1/b/kubernetes-ci-logs/o?${new URLSearchParams(query)}`,
  );
  return (await answer.json()) as Page;
}

async function listAll(query: Readonly<Record<string, string>>) {
  const items: string[] = [];
  const prefixes: string[] = [];
  let pageToken = '';
  do {
    const page = await list({
      ...query,
      fields: 'nextPageToken,prefixes,items(name)',
      ...(pageToken !== '' && { pageToken }),
    });
    items.push(...(page.items ?? []).map(({ name }) => name));
    prefixes.push(...(page.prefixes ?? []));
    pageToken = page.nextPageToken ?? '';
  } while (pageToken !== '');
  return { items, prefixes };
}

function objectUrl(name: string): string {
  return `${server.endpoint}/storage/v1/b/kubernetes-ci-logs/o/${encodeURIComponent(name)}?alt=media`;
}
