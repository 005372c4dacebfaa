import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'vitest';
import { openBucket } from '../../../pipeline/backends/bucket/index.ts';
import { type BucketUnderTest, testBucket } from '../../conformance/bucket.ts';
import { startFakeGcsServer } from '../../support/bucket-emulator.ts';
import { emulatorPath } from '../../support/emulators.ts';
import { type GcsServerOptions, startGcsServer } from '../../support/gcs-server.ts';

const OPTIONS = { timeoutMs: 10_000, connections: 8 };

testBucket(
  'file:',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'bucket-'));
    return {
      bucket: openBucket(`file://${directory}`, OPTIONS),
      absentBucket: openBucket(`file://${directory}/absent`, OPTIONS),
      seed: async (objects) => {
        for (const [name, content] of Object.entries(objects)) {
          await mkdir(dirname(join(directory, name)), { recursive: true });
          await writeFile(join(directory, name), content);
        }
      },
      close: () => rm(directory, { recursive: true }),
    };
  },
  {
    anyName: 'a path is a file or a directory, and has no empty parts',
    metadata: 'files have none',
  },
);

testBucket('gs: on a strict server', () => onOwnServer({}));

testBucket('gs: on a server that ignores what it can', () =>
  onOwnServer({ ignores: ['startOffset', 'endOffset', 'matchGlob', 'fields', 'delimiter'] }),
);

async function onOwnServer(options: GcsServerOptions): Promise<BucketUnderTest> {
  const server = await startGcsServer(options);
  const open = (url: string) => openBucket(url, { ...OPTIONS, endpoint: server.endpoint });
  const bucket = open('gs://own-bucket');
  const absentBucket = open('gs://absent-bucket');
  return {
    bucket,
    absentBucket,
    seed: async (objects) => {
      for (const [name, content] of Object.entries(objects)) server.put(`own-bucket/${name}`, content);
    },
    close: async () => {
      await Promise.all([bucket.close(), absentBucket.close()]);
      await server.close();
    },
  };
}

const fakeGcsServer = emulatorPath('gcs');
testFakeGcsServer(fakeGcsServer);

/** The server others test with, as a second opinion on ours. */
function testFakeGcsServer(binary: string | undefined): void {
  if (binary === undefined) {
    describe.skip('bucket: gs: on fake-gcs-server (needs fake-gcs-server; `scripts/emulators path gcs` names none)', () => {
      it('passes the suite', () => {});
    });
    return;
  }
  testBucket('gs: on fake-gcs-server', () => onFakeGcsServer(binary), {
    removal: 'it looks at no condition of a removal',
  });
}

async function onFakeGcsServer(binary: string): Promise<BucketUnderTest> {
  const emulator = await startFakeGcsServer(binary, 'fake-bucket');
  const open = (url: string) => openBucket(url, { ...OPTIONS, endpoint: emulator.endpoint });
  const bucket = open('gs://fake-bucket');
  const absentBucket = open('gs://absent-bucket');
  return {
    bucket,
    absentBucket,
    seed: emulator.seed,
    close: async () => {
      await Promise.all([bucket.close(), absentBucket.close()]);
      await emulator.close();
    },
  };
}
