import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface ProwBuild {
  readonly started?: unknown;
  readonly finished?: unknown;
  /** Files under the build's folder: `artifacts/junit_01.xml` → text. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

/** Writes builds in Prow's layout: to a folder, or to whatever takes named bytes. */
export interface ProwBucket {
  build(job: string, id: string, build: ProwBuild): void;
  presubmit(
    repo: string,
    pr: number,
    job: string,
    id: string,
    build: ProwBuild & { readonly pointer?: string },
  ): void;
  put(name: string, bytes: string | Uint8Array): void;
}

export function prowBucket(put: (name: string, bytes: string | Uint8Array) => void, url: string): ProwBucket {
  const write = (folder: string, { started, finished, files = {} }: ProwBuild) => {
    if (started !== undefined) put(`${folder}/started.json`, text(started));
    for (const [name, content] of Object.entries(files)) put(`${folder}/${name}`, content);
    if (finished !== undefined) put(`${folder}/finished.json`, text(finished));
  };
  return {
    put,
    build: (job, id, build) => write(`logs/${job}/${id}`, build),
    presubmit: (repo, pr, job, id, { pointer, ...build }) => {
      const folder = `pr-logs/pull/${repo}/${pr}/${job}/${id}`;
      put(`pr-logs/directory/${job}/${id}.txt`, pointer ?? `${url}/${folder}\n`);
      write(folder, build);
    },
  };
}

const text = (document: unknown) => (typeof document === 'string' ? document : JSON.stringify(document));

/** A Prow bucket that is a folder. */
export function prowFolder(folder: string): ProwBucket {
  return prowBucket((name, bytes) => {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }, `file:${folder}`);
}

/** JUnit with so many passing, failing and skipped tests. */
export function junitXml(counts: {
  readonly passed?: number;
  readonly failed?: number;
  readonly skipped?: number;
}): string {
  const cases = [
    ...Array.from({ length: counts.passed ?? 0 }, (_, at) => `<testcase name="passes ${at}" time="0.5"/>`),
    ...Array.from(
      { length: counts.failed ?? 0 },
      (_, at) =>
        `<testcase name="fails ${at}" time="1"><failure message="no ${at}">stack</failure></testcase>`,
    ),
    ...Array.from(
      { length: counts.skipped ?? 0 },
      (_, at) => `<testcase name="skips ${at}"><skipped/></testcase>`,
    ),
  ];
  return `<?xml version="1.0"?><testsuite name="suite">${cases.join('')}</testsuite>`;
}
