import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from '../bench/measure.ts';

/** Debian's own interpreter: the one its python3-* packages are for. */
const PYTHON = '/usr/bin/python3';
const PYPY = '/usr/bin/pypy3';
const FILES = ['make_db.py', 'make_json.py', 'model.py'];
const WRAPPER = fileURLToPath(new URL('./run.py', import.meta.url));

/** A working copy of Kettle's folder with a configuration of ours. */
export interface Kettle {
  /** make_db: collects into `db` from the server at `endpoint`. */
  makeDb(options: {
    readonly db: string;
    readonly endpoint: string;
    readonly threads: number;
    readonly stderr?: string;
  }): Command;
  /** make_json: writes rows to `out`. `python` is `cpython` or `pypy`. */
  makeJson(options: {
    readonly db: string;
    readonly out: string;
    readonly python: Python;
    readonly days?: number;
    readonly stderr?: string;
  }): Command;
  readonly pythons: readonly Python[];
}

export type Python = 'cpython' | 'pypy';

/** What keeps Kettle from running here, with what to do about it; empty when nothing does. */
export function kettleProblems(dir: string | undefined): readonly string[] {
  if (dir === undefined) {
    return [
      "Kettle's folder was not given: check out github.com/kubernetes/test-infra and pass --kettle DIR, DIR being its kettle folder.",
    ];
  }
  const missing = FILES.filter((file) => !existsSync(join(dir, file)));
  return [
    ...(missing.length > 0
      ? [`${dir} has no ${missing.join(', ')}: it must be the kettle folder of kubernetes/test-infra.`]
      : []),
    ...(existsSync(PYTHON)
      ? moduleProblems()
      : [
          `${PYTHON} is missing: install Debian's packages python3, python3-ruamel.yaml and python3-requests.`,
        ]),
  ];
}

function moduleProblems(): readonly string[] {
  const modules = { 'ruamel.yaml': 'python3-ruamel.yaml', requests: 'python3-requests' };
  return Object.entries(modules)
    .filter(([module]) => !succeeds(PYTHON, ['-c', `import ${module}`]))
    .map(
      ([module, debian]) =>
        `${PYTHON} cannot import ${module}: install Debian's package ${debian} (apt-get install ${debian}).`,
    );
}

/** Copies Kettle's files unchanged into `workDir` with a buckets.yaml. Kettle reads that from its own folder. */
export function prepareKettle(dir: string, workDir: string, bucketsYaml: string): Kettle {
  mkdirSync(workDir, { recursive: true });
  for (const file of FILES) copyFileSync(join(dir, file), join(workDir, file));
  writeFileSync(join(workDir, 'buckets.yaml'), bucketsYaml);
  // make_json starts `python3` by that name: Debian's must come first.
  const env = {
    PATH: `/usr/bin:${process.env.PATH ?? ''}`,
    NO_PROXY: '127.0.0.1',
    PYTHONDONTWRITEBYTECODE: '1',
  };
  return {
    pythons: existsSync(PYPY) ? ['cpython', 'pypy'] : ['cpython'],
    makeDb: ({ db, endpoint, threads, stderr }) => ({
      command: PYTHON,
      args: [WRAPPER, 'make_db.py', '--buckets', 'buckets.yaml', '--junit', '--threads', String(threads)],
      cwd: workDir,
      env: { ...env, KETTLE_DB: db, GCS_ENDPOINT: endpoint },
      ...(stderr !== undefined && { stderr }),
    }),
    makeJson: ({ db, out, python, days, stderr }) => ({
      command: python === 'pypy' ? PYPY : PYTHON,
      args: ['make_json.py', ...(days === undefined ? [] : ['--days', String(days)])],
      cwd: workDir,
      env: { ...env, KETTLE_DB: db },
      stdout: out,
      ...(stderr !== undefined && { stderr }),
    }),
  };
}

function succeeds(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, [...args], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
