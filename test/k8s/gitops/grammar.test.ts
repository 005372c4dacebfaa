import { describe, expect, test } from 'vitest';
import { parseCommand } from '../../../pipeline/k8s/gitops/grammar.ts';
import { configOf } from './bots.ts';

const { configs } = await configOf('file:///nowhere');
const parse = (text: string) => parseCommand(text, configs);
const TAG = { kind: 'tag', value: 'v2' };
const plain = { dryRun: false, confirmed: false };

describe('what is asked', () => {
  test.each([
    [
      'deploy api env=dev image-tag=v2',
      { name: 'deploy', repo: 'api', stage: 'dev', version: TAG, ...plain },
    ],
    [
      'deploy  image-tag=v2   api env=dev --dry-run',
      { name: 'deploy', repo: 'api', stage: 'dev', dryRun: true },
    ],
    ['release api project=tv image-tag=v2', { name: 'release', repo: 'api', stage: 'prod', version: TAG }],
    ['release api image-tag=v2 --yes', { name: 'release', repo: 'api', stage: 'prod', confirmed: true }],
    ['release shop project=tv image-tag=v2', { name: 'release', repo: 'shop', stage: 'prod', project: 'tv' }],
    [
      `deploy api env=dev image-tag=sha256:${'a'.repeat(64)}`,
      { version: { kind: 'digest', value: `sha256:${'a'.repeat(64)}` } },
    ],
    ['scale api env=dev minReplicas=3', { name: 'scale', repo: 'api', stage: 'dev', min: 3, ...plain }],
    [
      'scale shop-tv-web env=prod minReplicas=3 maxReplicas=9',
      { name: 'scale', repo: 'shop', stage: 'prod', project: 'tv', service: 'web', min: 3, max: 9 },
    ],
    ['list', { name: 'repos' }],
    ['list project=tv env=dev', { name: 'services', project: 'tv', stage: 'dev' }],
    ['list api env=dev', { name: 'history', repo: 'api', stage: 'dev' }],
    ['info shop-radio-cron env=dev', { name: 'info', repo: 'shop', project: 'radio', service: 'cron' }],
    ['rollback api env=dev', { name: 'rollback', repo: 'api', stage: 'dev' }],
    ['rollback shop env=prod project=tv to=0123abc', { name: 'rollback', project: 'tv', to: '0123abc' }],
    [
      'freeze api env=prod reason="a big day"',
      { name: 'freeze', repo: 'api', stage: 'prod', reason: 'a big day' },
    ],
    [
      'freeze * env=* reason=\u201ca big day\u201d',
      { name: 'freeze', repo: '*', stage: '*', reason: 'a big day' },
    ],
    ['unfreeze api env=prod', { name: 'unfreeze', repo: 'api', stage: 'prod' }],
    ['approve 0a1b2c', { name: 'approve', id: '0a1b2c' }],
    ['help deploy', { name: 'help', about: 'deploy' }],
    ['', { name: 'help' }],
  ])('%s', (text, command) => expect(parse(text)).toMatchObject(command));
});

describe('mistakes, by the original\u2019s words', () => {
  test.each([
    ['deploy', 'call help'],
    ['deploy nope env=dev image-tag=v2', 'invalid repo name'],
    ['deploy API env=dev image-tag=v2', 'invalid repo name'],
    ['deploy api image-tag=v2', 'getting env for deployment encountered an error: argument(env) is expected'],
    ['deploy api env=prod image-tag=v2', "deploy command doesn't support prod env"],
    [
      'deploy api env=dev',
      'getting image-tag for deployment encountered an error: argument(image-tag) is expected',
    ],
    [
      'release shop image-tag=v2',
      'getting project for deployment encountered an error: argument(project) is expected',
    ],
    ['deploy api env=qa image-tag=v2', 'stage(qa) is not supported for api'],
    ['release shop project=nope image-tag=v2', 'project(nope) is not supported for shop'],
    ['deploy api env=dev image-tag=v2 more and=that', 'Samovar does not support: more, and'],
    ['dance', 'command(dance) is not supported'],
    ['scale api env=dev', 'argument(minReplicas) or argument(maxReplicas) is expected'],
    ['scale shop env=dev minReplicas=2', 'project() is not supported for shop'],
    ['scale api env=dev minReplicas=4 maxReplicas=2', 'minReplicas 4 is more than maxReplicas 2'],
  ])('%s', (text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'refused', message }));
  });
});

describe('hostile arguments are refused', () => {
  test.each([
    'deploy ../api env=dev image-tag=v2',
    'deploy api/../shop env=dev image-tag=v2',
    'deploy api env=../prod image-tag=v2',
    'deploy api env=dev/../prod image-tag=v2',
    'deploy --upload-pack=touch env=dev image-tag=v2',
    'deploy -c env=dev image-tag=v2',
    'deploy api env=dev image-tag=--exec=x',
    'deploy api env=dev image-tag=-v2',
    'deploy api env=dev image-tag=v2\nimages:',
    'deploy api env=dev image-tag="v2\r"',
    'deploy api env=dev image-tag="v2 # x"',
    'deploy api env=dev image-tag="v2: x"',
    'deploy api env=dev image-tag=v2\u2028x',
    'deploy api env=dev image-tag=v\u200b2',
    'deploy api env=dev image-tag=',
    'deploy api env=dev image-tag=a=b',
    'deploy api env=dev image-tag=v2 image-tag=v3',
    'deploy api env=dev image-tag=$(id)',
    'deploy api env=dev image-tag=`id`',
    `deploy api env=dev image-tag=${'a'.repeat(129)}`,
    `deploy api env=dev image-tag=sha256:${'A'.repeat(64)}`,
    'deploy api env image-tag',
    'deploy __proto__ env=dev image-tag=v2',
    'deploy api __proto__=dev image-tag=v2',
    'constructor',
    '__proto__',
    'rollback api env=dev to=--all',
    'rollback api env=dev to=HEAD',
    'rollback api env=dev to=main:../../x',
    'scale api env=dev minReplicas=-1',
    'scale api env=dev minReplicas=0',
    'scale api env=dev minReplicas=1e3',
    'scale api env=dev minReplicas=0x10',
    'scale api env=dev minReplicas=2.5',
    'scale api env=dev minReplicas=99999',
    'list project=../x env=dev extra=1',
    'freeze api env=dev reason="unclosed',
    `help ${'x'.repeat(2000)}`,
  ])('%j', (text) => expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'refused' })));
});
