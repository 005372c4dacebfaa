import { describe, expect, it } from 'vitest';
import { liveLinks, staticFile, staticLinks } from '../../pipeline/report/links.ts';
import { HOSTILE, JOBS } from './fixture.ts';

const NAMES = [
  ...JOBS,
  ...Object.values(HOSTILE),
  'A',
  'a',
  'a/b',
  'a-b',
  '..',
  '../../etc/passwd',
  'con',
  '\ud800',
  '\udc00',
];

describe('files of a static site', () => {
  it('can be held by any disk and asked of any server, and are each of one name only', () => {
    const files = [...new Set(NAMES)].map((name) => staticFile('test', name));
    for (const file of files) expect(file).toMatch(/^test\/([a-z0-9]+-)*[0-9a-f]{16}\.html$/);
    for (const file of files) expect(file.length).toBeLessThan(80);
    expect(new Set(files).size).toBe(files.length);
  });

  it('are linked to only where they are, from wherever the page lies', () => {
    const known = {
      jobs: new Set(['a']),
      tests: new Set<string>(),
      builds: new Set<string>(),
      clusters: new Set<string>(),
    };
    expect(staticLinks(0, known).job('a')).toBe(staticFile('job', 'a'));
    expect(staticLinks(1, known).job('a')).toBe(`../${staticFile('job', 'a')}`);
    expect(staticLinks(1, known).job('b')).toBeUndefined();
    expect(staticLinks(1, known).asset('x.js')).toBe('../assets/x.js');
    expect(staticLinks(1, known).api('job', 'a')).toBeUndefined();
  });
});

describe('addresses of the dashboard', () => {
  it.each(NAMES)('carry the name %j whole', (name) => {
    const links = liveLinks();
    const whole = name.toWellFormed();
    const at = (address = '') => new URL(address, 'http://localhost');
    expect(at(links.job(name)).searchParams.get('name')).toBe(whole);
    expect(at(links.test(name)).searchParams.get('name')).toBe(whole);
    expect(at(links.build(name)).searchParams.get('path')).toBe(whole);
    expect(at(links.tests(name)).searchParams.get('q')).toBe(whole);
    expect(at(links.job(name)).host).toBe('localhost');
  });
});

describe('links to files of builds', () => {
  it('lead to the bucket that the build names, below the address that was given', () => {
    const links = liveLinks({ artifactsUrl: 'https://gcsweb.k8s.io/gcs' });
    expect(links.artifacts('gs://tea/logs/a b/1/')).toBe('https://gcsweb.k8s.io/gcs/tea/logs/a%20b/1/');
    expect(liveLinks().artifacts('gs://tea/1')).toBe(
      'https://console.cloud.google.com/storage/browser/tea/1',
    );
  });

  it.each(['file:data/demo/1', 'javascript:alert(1)', '//evil.example/', '', HOSTILE.image])(
    'are none for %j: it is text',
    (path) => expect(liveLinks().artifacts(path)).toBeUndefined(),
  );

  it('go nowhere but to web pages', () => {
    expect(liveLinks({ artifactsUrl: 'javascript:alert(1)//' }).artifacts('gs://tea/1')).toBeUndefined();
  });
});
