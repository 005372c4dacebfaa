import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../../pipeline/backends/bucket/contract.ts';
import { openBucket } from '../../../pipeline/backends/bucket/index.ts';
import { listAll } from '../../../pipeline/backends/bucket/list-all.ts';

const OPTIONS = { timeoutMs: 1000, connections: 1 };
let outside: string;
let root: string;
let bucket: Bucket;

beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'file-bucket-'));
  root = join(outside, 'bucket');
  await mkdir(root);
  await put('logs/job/1/finished.json', 'one');
  bucket = openBucket(`file://${root}`, OPTIONS);
});

afterEach(() => rm(outside, { recursive: true, force: true }));

async function put(name: string, content: string): Promise<void> {
  await mkdir(join(root, name, '..'), { recursive: true });
  await writeFile(join(root, name), content);
}

async function names(prefix = '', delimited = false): Promise<string[]> {
  const found: string[] = [];
  for await (const page of listAll(bucket, prefix, { delimited }))
    found.push(...page.objects.map(({ name }) => name), ...page.prefixes);
  return found;
}

describe('file: names', () => {
  it.each([
    '..',
    '../secret',
    'logs/../../secret',
    'logs/./job',
    '/etc/passwd',
    'logs//job',
    'logs/',
    '',
    'a\0b',
    'x'.repeat(256),
    `${'x/'.repeat(600)}x`,
  ])('refuses %j for reading, streaming and writing', async (name) => {
    await writeFile(join(outside, 'secret'), 'secret');
    await expect(bucket.read(name)).rejects.toMatchObject({ code: 'refused' });
    await expect(bucket.stream(name)).rejects.toMatchObject({ code: 'refused' });
    await expect(bucket.write(name, Buffer.from('x'))).rejects.toMatchObject({ code: 'refused' });
  });

  it.each(['../', '/', 'logs/../', 'logs//', './', 'a\0/'])(
    'lists nothing under the prefix %j',
    async (prefix) => {
      expect(await names(prefix)).toEqual([]);
    },
  );

  it('keeps files that are still being written out of sight, and out of reach', async () => {
    await put('logs/job/1/.samovar-tmp-7-0', 'half');
    await put('logs/job/2/.samovar-tmp-7-1', 'half');
    await put('logs/job/1/.hidden', 'an object like others');
    expect(await names()).toEqual(['logs/job/1/.hidden', 'logs/job/1/finished.json']);
    expect(await names('logs/job/', true)).toEqual(['logs/job/1/']);
    await expect(bucket.read('logs/job/1/.samovar-tmp-7-0')).rejects.toMatchObject({ code: 'refused' });
  });

  it('has no prefix for an empty directory', async () => {
    await mkdir(join(root, 'logs/job/2/artifacts/empty'), { recursive: true });
    expect(await names('logs/job/', true)).toEqual(['logs/job/1/']);
    expect(await names('logs/job/')).toEqual(['logs/job/1/finished.json']);
  });

  it('says that the directory is missing, and where it looked', async () => {
    const absent = openBucket(`file://${outside}/absent`, OPTIONS);
    await expect(absent.list('')).rejects.toMatchObject({
      code: 'missing',
      message: expect.stringContaining(`${outside}/absent`),
    });
  });
});

describe('file: links and odd files', () => {
  it('follows links inside the bucket and none that lead out, for listing, reading and writing', async () => {
    await mkdir(join(outside, 'elsewhere'));
    await writeFile(join(outside, 'elsewhere/secret'), 'secret');
    await symlink(join(outside, 'elsewhere'), join(root, 'logs/out'));
    await symlink(join(outside, 'elsewhere/secret'), join(root, 'logs/secret'));
    await symlink('job', join(root, 'logs/alias'));
    await symlink('nowhere', join(root, 'logs/dangling'));
    expect(await names()).toEqual(['logs/alias/1/finished.json', 'logs/job/1/finished.json']);
    expect(await names('logs/out/')).toEqual([]);
    for (const name of ['logs/out/secret', 'logs/secret', 'logs/dangling'])
      expect(await bucket.read(name)).toBeUndefined();
    expect(await bucket.read('logs/alias/1/finished.json')).toMatchObject({ bytes: Buffer.from('one') });
    await expect(bucket.write('logs/out/new', Buffer.from('x'))).rejects.toMatchObject({ code: 'refused' });
    await expect(bucket.write('logs/out/deep/new', Buffer.from('x'))).rejects.toMatchObject({
      code: 'refused',
    });
    await expect(bucket.write('logs/dangling/new', Buffer.from('x'))).rejects.toMatchObject({
      code: 'refused',
    });
    expect(await readdir(join(outside, 'elsewhere'))).toEqual(['secret']);
  });

  it('does not go round in links to a directory above', async () => {
    await symlink('..', join(root, 'logs/up'));
    await symlink('.', join(root, 'logs/job/here'));
    expect(await names()).toEqual(['logs/job/1/finished.json']);
  });

  it('takes pipes for nothing, and does not wait for their writers', async () => {
    execFileSync('mkfifo', [join(root, 'logs/pipe')]);
    expect(await names()).toEqual(['logs/job/1/finished.json']);
    expect(await bucket.read('logs/pipe')).toBeUndefined();
    expect(await bucket.stream('logs/pipe')).toBeUndefined();
  });

  it('says denied where it may not read, and goes on beside it', async () => {
    await put('logs/closed/1/finished.json', 'x');
    await chmod(join(root, 'logs/closed'), 0o000);
    await asNobody(async () => {
      await expect(bucket.list('logs/closed/')).rejects.toMatchObject({
        code: 'denied',
        remedy: expect.stringContaining('right'),
      });
      await expect(bucket.read('logs/closed/1/finished.json')).rejects.toMatchObject({ code: 'denied' });
      await expect(bucket.write('logs/job/1/new', Buffer.from('x'))).rejects.toMatchObject({
        code: 'denied',
      });
      expect(await names('logs/', true)).toEqual(['logs/closed/', 'logs/job/']);
      expect(await names('logs/job/')).toEqual(['logs/job/1/finished.json']);
    });
    await chmod(join(root, 'logs/closed'), 0o755);
  });
});

describe('file: generations and writes', () => {
  it('changes the generation with every write, within one tick of the clock too', async () => {
    const generations = new Set<string>();
    for (let i = 0; i < 50; i += 1) generations.add(await bucket.write('same', Buffer.from('same size')));
    expect(generations.size).toBe(50);
  });

  it('moves the time of a file forward, even when the old one is from the future', async () => {
    await bucket.write('a', Buffer.from('a'));
    const futureS = 4_000_000_000;
    await utimes(join(root, 'a'), futureS, futureS);
    await bucket.write('a', Buffer.from('b'));
    const read = await bucket.read('a');
    expect(typeof read === 'object' && (read.updatedMs ?? 0) > futureS * 1000).toBe(true);
  });

  it('changes the generation when somebody else rewrites or touches the file', async () => {
    const first = await bucket.write('a', Buffer.from('a'));
    await utimes(join(root, 'a'), 1000, 1000);
    const read = await bucket.read('a', { unlessGeneration: first });
    expect(read).toMatchObject({ bytes: Buffer.from('a'), updatedMs: 1_000_000 });
  });

  it('leaves no temporary file, done or refused', async () => {
    await bucket.write('dir/a', Buffer.from('a'));
    await expect(bucket.write('dir/a', Buffer.from('b'), { ifGeneration: '0' })).rejects.toMatchObject({
      code: 'conflict',
    });
    await expect(bucket.write('dir/a/under-a-file', Buffer.from('b'))).rejects.toMatchObject({
      code: 'refused',
    });
    await expect(bucket.write('dir', Buffer.from('b'))).rejects.toMatchObject({ code: 'refused' });
    expect(await readdir(join(root, 'dir'))).toEqual(['a']);
    expect((await readdir(root)).toSorted()).toEqual(['dir', 'logs']);
  });

  it('steps over a temporary file that a dead process left', async () => {
    await put(`.samovar-tmp-${process.pid}-0`, 'left');
    await put(`.samovar-tmp-${process.pid}-1`, 'left');
    await bucket.write('a', Buffer.from('whole'));
    expect(await bucket.read('a')).toMatchObject({ bytes: Buffer.from('whole') });
  });

  it('ends a stream with an error when the file changes under it', async () => {
    await bucket.write('big', Buffer.alloc(2_000_000, 'x'));
    const stream = await bucket.stream('big');
    const read = async () => {
      let seen = 0;
      for await (const chunk of stream?.body ?? []) {
        if (seen === 0) await writeFile(join(root, 'big'), 'short now');
        seen += chunk.length;
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('file: pages', () => {
  it('goes on from a token in another process, and after files were removed', async () => {
    for (let i = 10; i < 40; i += 1) await put(`many/${i}`, '');
    const first = await bucket.list('many/', { pageSize: 10 });
    expect(first.objects.at(-1)?.name).toBe('many/19');
    await rm(join(root, 'many/19'));
    const pageToken = first.nextPageToken ?? '';
    const [here, elsewhere] = [bucket, openBucket(bucket.url, OPTIONS)].map((from) =>
      from.list('many/', { pageSize: 10, pageToken }),
    );
    for (const page of [await here, await elsewhere])
      expect(page?.objects.map(({ name }) => name)).toEqual(
        Array.from({ length: 10 }, (_, i) => `many/${20 + i}`),
      );
  });

  it('leaves out a file that went away between two pages', async () => {
    for (let i = 10; i < 30; i += 1) await put(`many/${i}`, '');
    const first = await bucket.list('many/', { pageSize: 10 });
    await rm(join(root, 'many/25'));
    const second = await bucket.list('many/', { pageSize: 20, pageToken: first.nextPageToken ?? '' });
    expect(second.objects).toHaveLength(9);
  });
});

/** Runs without root's rights, which would read anything. */
async function asNobody(test: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return test();
  await chmod(outside, 0o755);
  process.seteuid?.(65534);
  try {
    await test();
  } finally {
    process.seteuid?.(0);
  }
}
