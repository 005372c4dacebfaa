import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Warehouse } from '../../../pipeline/backends/warehouse/contract.ts';
import { reportQueries } from '../../../pipeline/jobs/report-queries.ts';
import { createReport } from '../../../pipeline/jobs/report-source.ts';
import { BUILD_QUERIES } from '../../../pipeline/queries/index.ts';
import type { TriageResult } from '../../../pipeline/triage/types.ts';
import { DEMO_NOW_MS, demoRows, duckDbOf } from '../../queries/demo-table.ts';
import { tempFolder } from '../../support/temp.ts';
import { serverOf, sourceOf } from './serving.ts';

const document = JSON.parse(readFileSync('schemas/openapi/report.json', 'utf8'));
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema({ ...document, $id: 'report' });
const temp = tempFolder();
const ID = '0123456789abcdef0123';
const part = { name: 'ci-a', builds: 1, failures: 1 };
const CLUSTERS: TriageResult = {
  ...{ format: 1, generated: 2, since: 1, builds: 1, failures: 1, clustersTotal: 1 },
  clusters: [
    {
      ...{
        id: ID,
        text: '<b>timed out</b>',
        owner: 'sig-node',
        builds: 1,
        failures: 1,
        firstSeen: 1,
        lastSeen: 2,
      },
      ...{
        perDay: [{ day: '2026-11-20', builds: 1, failures: 1 }],
        jobsTotal: 1,
        jobs: [part],
        testsTotal: 1,
      },
      ...{ tests: [part], examples: [{ path: 'gs://b/1', job: 'ci-a', test: 't', finished: 2 }] },
    },
  ],
};

let warehouse: Warehouse;
let get: ReturnType<typeof serverOf>['get'];
let routes: ReturnType<typeof serverOf>['app']['routes'];

beforeAll(async () => {
  warehouse = await duckDbOf(temp, await demoRows(temp));
  const nowMs = () => DEMO_NOW_MS;
  const source = createReport(warehouse, { table: 'all', windowDays: 14, nowMs, triage: () => CLUSTERS });
  const queries = reportQueries(warehouse, 'all', nowMs);
  const made = serverOf({ source, queries });
  get = made.get;
  routes = made.app.routes;
});
afterAll(() => warehouse.close());

function problems(path: string, status: number, value: unknown): unknown {
  const escaped = encodeURIComponent(path.replaceAll('~', '~0').replaceAll('/', '~1'));
  const pointer = `report#/paths/${escaped}/get/responses/${status}/content/application~1json/schema`;
  const validate = ajv.compile({ $ref: pointer });
  return validate(value) ? [] : validate.errors;
}

it('the document has every path of the JSON interface, and no other', () => {
  const served = routes
    .filter(({ method, path }) => method === 'GET' && path.startsWith('/api/'))
    .map(({ path }) => path.replace(/:(\w+)/g, '{$1}'));
  expect([...new Set(served)].sort()).toEqual(Object.keys(document.paths).sort());
  for (const item of Object.values(document.paths as object)) expect(Object.keys(item)).toEqual(['get']);
});

it('every answer is as the document says, for every job of the demo', async () => {
  const check = async (path: string, address: string, status = 200) => {
    const answer = await get(address);
    expect(answer.status, address).toBe(status);
    expect(problems(path, status, answer.json), address).toEqual([]);
    return answer.json;
  };
  await check('/api/v1/overview', '/api/v1/overview');
  await check('/api/v1/queries', '/api/v1/queries');
  await check('/api/openapi.json', '/api/openapi.json');
  const { jobs } = await check('/api/v1/jobs', '/api/v1/jobs');
  expect(jobs.length).toBeGreaterThan(5);
  for (const { job } of jobs) {
    const at = `/api/v1/jobs/${encodeURIComponent(job)}`;
    const page = await check('/api/v1/jobs/{job}', at);
    expect(page.summary.job).toBe(job);
    const grid = await check('/api/v1/jobs/{job}/grid', `${at}/grid?builds=7&tests=5`);
    expect(grid.builds.length).toBeLessThanOrEqual(7);
    for (const row of grid.rows) expect(row.marks).toHaveLength(grid.builds.length);
    const [build] = await check('/api/v1/jobs/{job}/builds', `${at}/builds?limit=1`);
    await check('/api/v1/builds', `/api/v1/builds?path=${encodeURIComponent(build.path)}`);
  }
  const tests = await check('/api/v1/tests', '/api/v1/tests');
  for (const { test } of tests.slice(0, 5)) {
    const page = await check('/api/v1/tests/{test}', `/api/v1/tests/${encodeURIComponent(test)}`);
    expect(page.jobs.length).toBeGreaterThan(0);
    for (const { marks, builds } of page.jobs) expect(marks).toHaveLength(builds.length);
  }
  await check('/api/v1/clusters', '/api/v1/clusters');
  expect((await check('/api/v1/clusters/{id}', `/api/v1/clusters/${ID}`)).text).toBe('<b>timed out</b>');
  for (const { name } of BUILD_QUERIES)
    await check('/api/v1/queries/{name}', `/api/v1/queries/${name}?days=7&limit=3`);
});

it('so is every refusal', async () => {
  const cases: readonly (readonly [path: string, address: string, status: number])[] = [
    ['/api/v1/jobs/{job}', '/api/v1/jobs/nope', 404],
    ['/api/v1/jobs/{job}/grid', '/api/v1/jobs/nope/grid', 404],
    ['/api/v1/jobs/{job}/grid', '/api/v1/jobs/nope/grid?builds=x', 400],
    ['/api/v1/jobs/{job}/builds', '/api/v1/jobs/nope/builds', 404],
    ['/api/v1/tests', `/api/v1/tests?q=${'x'.repeat(301)}`, 400],
    ['/api/v1/tests/{test}', '/api/v1/tests/nope', 404],
    ['/api/v1/tests/{test}', `/api/v1/tests/${'x'.repeat(4_001)}`, 414],
    ['/api/v1/builds', '/api/v1/builds', 400],
    ['/api/v1/builds', '/api/v1/builds?path=nope', 404],
    ['/api/v1/clusters/{id}', '/api/v1/clusters/nope', 404],
    ['/api/v1/queries/{name}', '/api/v1/queries/nope', 404],
    ['/api/v1/queries/{name}', '/api/v1/queries/failures?job=%00', 400],
  ];
  for (const [path, address, status] of cases) {
    const answer = await get(address);
    expect(answer.status, address).toBe(status);
    expect(problems(path, status, answer.json), address).toEqual([]);
  }
  const down = serverOf({ source: sourceOf({}) });
  const answer = await down.get('/api/v1/overview', { headers: { host: 'evil.example' } });
  expect(problems('/api/v1/overview', 403, answer.json)).toEqual([]);
});

it('every page of the demo is drawn', async () => {
  const { json } = await get('/api/v1/jobs');
  const pages = ['/', '/jobs', '/tests', '/tests?q=go', '/clusters', `/cluster?id=${ID}`];
  for (const { job } of json.jobs) pages.push(`/job?name=${encodeURIComponent(job)}`);
  for (const path of pages) {
    const page = await get(path);
    expect(page.status, path).toBe(200);
    expect(page.text.startsWith('<!doctype html>'), path).toBe(true);
    expect(page.text).not.toMatch(/<script>|<img|<b>timed/);
  }
});
