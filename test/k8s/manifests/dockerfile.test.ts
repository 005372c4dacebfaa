import { existsSync, readFileSync } from 'node:fs';
import { validate } from 'dockerfile-utils';
import { describe, expect, test } from 'vitest';

const text = readFileSync('Dockerfile', 'utf8');

/** Instructions with their continuation lines; comments left out. */
function instructionsOf(dockerfile: string): readonly { readonly word: string; readonly rest: string }[] {
  const lines = dockerfile.replace(/^\s*#.*\n/gm, '').replace(/\\\n\s*/g, '');
  return lines
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [word = '', ...rest] = line.trim().split(/\s+/);
      return { word, rest: rest.join(' ') };
    });
}

const instructions = instructionsOf(text);
const all = (word: string, among = instructions) =>
  among.filter((one) => one.word === word).map(({ rest }) => rest);
/** Of the stage that is the image. */
const last = instructions.slice(instructions.map(({ word }) => word).lastIndexOf('FROM'));

describe('the Dockerfile', () => {
  test('is without fault, and the lint sees faults', () => {
    expect(validate(text)).toEqual([]);
    expect(validate('FROM a\nRUM b\n')).not.toEqual([]);
    expect(validate('FROM a:\nCMD ["x"]\nCMD ["y"]\n')).not.toEqual([]);
  });

  test('builds in stages, of images that can be replaced, none of which is "latest"', () => {
    const defaults = Object.fromEntries(all('ARG').map((rest) => rest.split('=')));
    for (const from of all('FROM')) {
      const image = defaults[/^\$\{(\w+)\}/.exec(from)?.[1] ?? ''];
      expect(image, from).toMatch(/^[\w./-]+:(?!latest)[\w.-]+$/);
    }
    expect(all('FROM').length).toBeGreaterThan(1);
    expect(all('ADD')).toEqual([]);
  });

  test('ends as nobody, by number, with an init that passes signals on', () => {
    expect(all('USER', last).at(-1)).toBe('65532:65532');
    expect(all('ENTRYPOINT', last)).toEqual(['["/usr/bin/tini", "--", "samovar"]']);
    expect(all('HEALTHCHECK')).toEqual([]);
  });

  test('holds no compiler, no package manager of Node and no sources', () => {
    const copied = all('COPY', last).join('\n');
    expect(copied).not.toMatch(/pipeline|\bnpm\b|package-lock/);
    expect(all('RUN', last).join('\n')).not.toMatch(/g\+\+|make|python|\bnpm\b/);
    expect(all('RUN').find((run) => run.includes('npm run'))).toContain('npm prune --omit=dev');
  });

  test('keeps no lists of packages, takes no secret and fetches nothing by hand', () => {
    for (const run of all('RUN').filter((one) => one.includes('apt-get install'))) {
      expect(run).toContain('apt-get update');
      expect(run).toContain('--no-install-recommends');
      expect(run).toContain('rm -rf /var/lib/apt/lists/*');
    }
    expect([...all('ARG'), ...all('ENV')].join('\n')).not.toMatch(/token|secret|password|key/i);
    expect(all('RUN').join('\n')).not.toMatch(/curl (?!git)|wget|\| *(ba)?sh/);
  });

  test('copies what is there, and what .dockerignore lets in', () => {
    const allowed = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const sources = all('COPY')
      .filter((rest) => !rest.startsWith('--from'))
      .flatMap((rest) => rest.split(' ').slice(0, -1));
    for (const source of sources) {
      expect(existsSync(source), source).toBe(true);
      expect(allowed, source).toContain(source);
    }
    expect(readFileSync('.dockerignore', 'utf8')).toMatch(/^\*$/m);
  });

  test("names the licence of the project's package.json", () => {
    const { license } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly license: string };
    expect(all('LABEL').join()).toContain(`org.opencontainers.image.licenses="${license}"`);
  });
});
