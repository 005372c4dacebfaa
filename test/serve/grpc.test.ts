import grpc from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { decodeMutation } from '../../pipeline/records/mutation/codec.ts';
import { loadProto, serviceDefinition } from '../../pipeline/serve/proto.ts';
import type { ServerOptions } from '../../pipeline/serve/server.ts';
import { tempFolder } from '../support/temp.ts';
import { issue, READY, servedTest, serverOf } from './serving.ts';

const folder = tempFolder();
const proto = await loadProto();
const ISSUES = 'drghs.v1.IssueService';
const INTERNAL = 'maintner.internal.InternalIssueService';
const HEALTH = 'grpc.health.v1.Health';
const REFLECTION = 'grpc.reflection.v1.ServerReflection';

function clientOf(address: string) {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  const method = (service: string, name: string) => {
    const found = serviceDefinition(proto, service)[name];
    if (found === undefined) throw new Error(`no method ${name}`);
    return found;
  };
  /** The answer, or `{code, details}`. */
  const call = (service: string, name: string, request: object, metadata = new grpc.Metadata()) => {
    const { path, requestSerialize, responseDeserialize } = method(service, name);
    return new Promise<object>((resolve) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        (error, answer) =>
          resolve(error === null ? (answer ?? {}) : { code: error.code, details: error.details }),
      );
    });
  };
  return { client, call, method };
}

async function started(more: Partial<ServerOptions> = {}, writes = true) {
  const made = servedTest(folder, { writes });
  made.apply(
    issue(1),
    issue(2, { comments: [{ id: 2n ** 53n + 1n, user: { id: 7n }, body: 'hm' }] }),
    issue(3),
  );
  const server = await serverOf(made.served, more);
  return { ...made, server, ...clientOf(server.grpc), internal: clientOf(server.internal) };
}

describe('drghs.v1.IssueService', () => {
  test('has the field numbers that clients know', () => {
    const fields = (type: string) =>
      Object.fromEntries(proto.lookupType(`drghs.v1.${type}`).fieldsArray.map(({ name, id }) => [name, id]));
    expect(fields('Issue')).toEqual({
      ...{
        name: 1,
        title: 2,
        body: 3,
        priority: 4,
        priorityUnknown: 5,
        issueType: 6,
        labels: 7,
        createdAt: 8,
      },
      ...{ updatedAt: 9, closedAt: 10, closed: 11, closedBy: 12, isPr: 13, approved: 14, commit: 16 },
      ...{ issueId: 17, url: 18, assignees: 19, reporter: 20, comments: 21, reviews: 22, repo: 23 },
      ...{ blocked: 24, releaseBlocking: 25 },
    });
    expect(fields('ListIssuesRequest')).toEqual({
      ...{ parent: 1, pageSize: 2, pageToken: 3, filter: 4, orderBy: 5, comments: 6, reviews: 7 },
      ...{ pullRequest: 8, closed: 9, fieldMask: 10, commentFilter: 100 },
    });
    expect(fields('GetIssueRequest')).toEqual({
      name: 1,
      comments: 2,
      reviews: 3,
      fieldMask: 4,
      commentFilter: 100,
    });
    expect(fields('Repository')).toEqual({ name: 1, issueCount: 2, pullRequestCount: 3 });
    expect(fields('GitHubComment')).toEqual({ id: 1, user: 2, createdAt: 3, updatedAt: 4, body: 5 });
    expect(fields('GitHubReview')).toEqual({
      ...{ id: 1, actor: 2, actorAssociation: 3, createdAt: 4, body: 5, state: 6, commitId: 7 },
    });
  });

  test('lists, gets, and names repositories', async () => {
    const { call } = await started();
    const fieldMask = { paths: ['issue_id', 'comments'] };
    expect(await call(ISSUES, 'ListIssues', { parent: 'o/r', pageSize: 2, fieldMask })).toEqual({
      issues: [
        { issueId: 1, labels: [], assignees: [], comments: [], reviews: [] },
        {
          ...{ issueId: 2, labels: [], assignees: [], reviews: [] },
          comments: [{ id: '9007199254740993', user: { id: '7', login: 'kim' }, body: 'hm' }],
        },
      ],
      nextPageToken: expect.stringMatching(/^[\w-]{40,}$/),
      total: 3,
    });
    expect(await call(ISSUES, 'GetIssue', { name: 'o/r/issues/3' })).toMatchObject({
      issue: { title: 'issue 3' },
    });
    expect(await call(ISSUES, 'ListRepositories', {})).toEqual({
      repositories: [{ name: 'o/r', issueCount: 3 }],
      total: 1,
      // Of a router alone.
      statuses: [],
    });
  });

  test('a flag that is not set is not false', async () => {
    const { call, apply } = await started();
    apply(issue(4, { closed: { val: true }, pullRequest: true }));
    const numbers = async (request: object) => {
      const { issues } = (await call(ISSUES, 'ListIssues', { parent: 'o/r', ...request })) as {
        readonly issues: readonly { readonly issueId: number }[];
      };
      return issues.map(({ issueId }) => issueId);
    };
    expect(await numbers({})).toEqual([1, 2, 3, 4]);
    expect(await numbers({ closed: false })).toEqual([1, 2, 3]);
    expect(await numbers({ pullRequest: true })).toEqual([4]);
  });

  test('refusals have their status', async () => {
    const { call } = await started();
    expect(await call(ISSUES, 'ListIssues', { parent: 'o/x' })).toEqual({
      code: grpc.status.NOT_FOUND,
      details: 'repository o/x is not tracking issues',
    });
    expect(await call(ISSUES, 'ListIssues', { parent: 'x' })).toMatchObject({
      code: grpc.status.FAILED_PRECONDITION,
    });
    expect(await call(ISSUES, 'ListIssues', { parent: 'o/r', filter: '1' })).toMatchObject({
      code: grpc.status.INVALID_ARGUMENT,
    });
    expect(await call(ISSUES, 'GetIssue', { name: 'o/r/issues/9' })).toMatchObject({
      code: grpc.status.NOT_FOUND,
    });
    // Larger than a request may be.
    expect(await call(ISSUES, 'GetIssue', { name: 'x'.repeat(100_000) })).toMatchObject({
      code: grpc.status.RESOURCE_EXHAUSTED,
    });
  });

  test('with a key of its own it asks for it, and health does not', async () => {
    const { call } = await started({ apiKey: 'secret' });
    const list = (metadata?: grpc.Metadata) => call(ISSUES, 'ListRepositories', {}, metadata);
    expect(await list()).toMatchObject({ code: grpc.status.UNAUTHENTICATED });
    const metadata = new grpc.Metadata();
    metadata.set('x-api-key', 'secret');
    expect(await list(metadata)).toMatchObject({ total: 1 });
    expect(await call(HEALTH, 'Check', {})).toEqual({ status: 1 });
  });
});

describe('TombstoneIssues', () => {
  test('writes one mutation for each issue that is there', async () => {
    const { internal, call, written } = await started();
    const answer = await internal.call(INTERNAL, 'TombstoneIssues', {
      parent: 'o/r',
      issueNumbers: [3, 1, 3],
    });
    expect(answer).toEqual({ tombstonedCount: 2 });
    expect(written.map(decodeMutation)).toEqual(
      [3, 1].map((number) => ({ githubIssue: { owner: 'o', repo: 'r', number, notExist: true } })),
    );
    expect(
      await call(ISSUES, 'ListIssues', { parent: 'o/r', fieldMask: { paths: ['title'] } }),
    ).toMatchObject({
      issues: [{ title: 'issue 2' }],
    });
    expect(await internal.call(INTERNAL, 'TombstoneIssues', { parent: 'o/r/x', issueNumbers: [1] })).toEqual(
      {},
    );
    expect(written).toHaveLength(2);
  });

  test('does nothing at all when it does not know a number', async () => {
    const { internal, written } = await started();
    const answer = await internal.call(INTERNAL, 'TombstoneIssues', {
      parent: 'o/r',
      issueNumbers: [1, 8, 9],
    });
    expect(answer).toEqual({
      code: grpc.status.NOT_FOUND,
      details: 'o/r has no issues 8, 9: nothing was written',
    });
    expect(written).toEqual([]);
  });

  test('is refused where this process does not write, and on the public port', async () => {
    const { internal, call } = await started({}, false);
    const request = { parent: 'o/r', issueNumbers: [1] };
    expect(await internal.call(INTERNAL, 'TombstoneIssues', request)).toMatchObject({
      code: grpc.status.FAILED_PRECONDITION,
    });
    expect(await call(INTERNAL, 'TombstoneIssues', request)).toMatchObject({
      code: grpc.status.UNIMPLEMENTED,
    });
  });
});

describe('health', () => {
  test('serves only after the replay, and lives during it', async () => {
    const { call, setState } = await started();
    setState({ ready: false, detail: 'replaying' });
    const check = (service: string) => call(HEALTH, 'Check', { service });
    expect([await check(''), await check(ISSUES), await check('liveness')]).toEqual([
      { status: 2 },
      { status: 2 },
      { status: 1 },
    ]);
    expect(await check('no.such')).toMatchObject({ code: grpc.status.NOT_FOUND });
    setState(READY);
    expect(await check('')).toEqual({ status: 1 });
  });

  test('whoever watches is told of each change, and of the end', async () => {
    const { client, method, setState, server } = await started();
    const { path, requestSerialize, responseDeserialize } = method(HEALTH, 'Watch');
    const told: unknown[] = [];
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: '' });
    call.on('data', ({ status }) => told.push(status));
    call.on('error', () => undefined);
    await vi.waitFor(() => expect(told).toEqual([1]), 5_000);
    setState({ ready: false, detail: 'replaying' });
    await vi.waitFor(() => expect(told).toEqual([1, 2]), 5_000);
    setState(READY);
    await vi.waitFor(() => expect(told).toEqual([1, 2, 1]), 5_000);
    call.cancel();
    await server.close();
  });
});

test('tools are told of services and messages', async () => {
  const { client, method } = await started();
  const { path, requestSerialize, responseDeserialize } = method(REFLECTION, 'ServerReflectionInfo');
  const answers: object[] = [];
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  call.on('data', (answer: object) => answers.push(answer));
  const ended = new Promise((resolve) => call.on('end', resolve));
  call.write({ listServices: '*' });
  call.write({ fileContainingSymbol: ISSUES });
  call.write({ fileContainingSymbol: 'no.such' });
  call.end();
  await ended;
  expect(answers).toMatchObject([
    { listServicesResponse: { service: [{ name: ISSUES }, { name: HEALTH }, { name: REFLECTION }] } },
    { fileDescriptorResponse: { fileDescriptorProto: expect.arrayContaining([expect.any(Buffer)]) } },
    { errorResponse: { errorCode: grpc.status.NOT_FOUND } },
  ]);
});
