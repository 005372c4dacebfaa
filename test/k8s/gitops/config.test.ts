import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseGitops, readBotSecrets, readGitops } from '../../../pipeline/k8s/gitops/config.ts';
import { gitSettings, remoteUrl } from '../../../pipeline/k8s/gitops/git/settings.ts';
import { autoscalingFile, imageFolder, servicesOf } from '../../../pipeline/k8s/gitops/layout.ts';
import { tempFolder } from '../../support/temp.ts';

const root = tempFolder();
/** Of the original's kind: no key of ours. */
const ORIGINAL = `
git:
  url: ssh://git.example.com/ops/kubernetes-configs
  branch: master
  sshKeyPath: /keys/id
  sshKeyUser: git
  sshKnownhosts: /keys/known_hosts
configs:
  - type: 1
    repo: api
    stages: [dev, staging, prod]
    projects: []
    services: []
  - type: 2
    repo: shop
    stages:
      - dev
      - prod
    projects: [tv, radio]
    services: [web, cron]
`;

test("the original's files are read as they are", async () => {
  const config = await parseGitops(ORIGINAL, 'repo.yaml');
  expect(config).toMatchObject({
    git: { branch: 'master' },
    permissions: undefined,
    confirmStages: ['prod'],
    check: 'auto',
  });
  const file = join(root, 'bot.yaml');
  writeFileSync(file, 'slackAppToken: xapp-1\nslackBotToken: xoxb-1\n');
  expect(await readBotSecrets(file)).toEqual({ slackAppToken: 'xapp-1', slackBotToken: 'xoxb-1' });
  writeFileSync(file, 'slackAppToken: xapp-1\nslackBotToken: ""\n');
  expect(await readBotSecrets(file)).toEqual({ slackAppToken: 'xapp-1' });
  const bare = ORIGINAL.replace('projects: []', 'projects:').replace('services: []', 'services:');
  expect((await parseGitops(bare, 'repo.yaml')).configs).toEqual(config.configs);
});

test("paths and names are the original's", async () => {
  const [api, shop] = (await parseGitops(ORIGINAL, 'repo.yaml')).configs;
  if (api === undefined || shop === undefined) throw new Error('two code bases');
  expect(imageFolder(api, { repo: 'api', stage: 'prod' })).toBe('api/overlays/prod');
  expect(imageFolder(shop, { repo: 'shop', stage: 'dev', project: 'tv' })).toBe('shop/overlays/dev/base');
  expect(imageFolder(shop, { repo: 'shop', stage: 'prod', project: 'tv' })).toBe(
    'shop/overlays/prod/overlays/tv/base',
  );
  expect(autoscalingFile(api, { repo: 'api', stage: 'dev' })).toBe('api/overlays/dev/hpa.yaml');
  expect(autoscalingFile(shop, { repo: 'shop', stage: 'dev', project: 'tv', service: 'web' })).toBe(
    'shop/overlays/dev/overlays/tv/overlays/web/hpa.yaml',
  );
  expect(servicesOf(shop).map(({ full }) => full)).toEqual([
    'shop-radio-cron',
    'shop-radio-web',
    'shop-tv-cron',
    'shop-tv-web',
  ]);
});

test('the example that comes with Samovar is right', async () => {
  const config = await readGitops('config/gitops.example.yaml');
  expect(config.approvals[0]).toMatchObject({ stages: ['prod'], count: 1 });
});

describe('what would be dangerous, or of no use, is refused', () => {
  const git = 'git: {url: https://git.example.com/o/r}\n';
  const one = 'configs: [{type: 1, repo: api, stages: [dev]}]\n';
  test.each([
    ['an option for an address', `git: {url: --upload-pack=x}\n${one}`],
    ['an address that runs something', `git: {url: 'ext::sh -c id'}\n${one}`],
    ['a host that is an option', `git: {url: 'ssh://-oProxyCommand=id/x'}\n${one}`],
    ['a user that is an option', `git: {url: 'ssh://-oProxyCommand=id@h/x'}\n${one}`],
    ['a short one that is an option', `git: {url: '-oProxyCommand=id@h:x'}\n${one}`],
    ['a host of it that is an option', `git: {url: 'git@-oProxyCommand=id:x'}\n${one}`],
    ['a path of it that is an option', `git: {url: 'git@h:-x'}\n${one}`],
    ['an SSH user that is an option', `git: {url: ssh://h/o, sshKeyUser: -oProxyCommand=id}\n${one}`],
    ['a password in an address', `git: {url: 'https://u:p@git.example.com/o/r'}\n${one}`],
    ['a branch that is an option', `git: {url: https://g/o, branch: --x}\n${one}`],
    ['a branch of two dots', `git: {url: https://g/o, branch: a..b}\n${one}`],
    ['a way out', `${git}configs: [{type: 1, repo: '..', stages: [dev]}]\n`],
    ['a path for a name', `${git}configs: [{type: 1, repo: a/b, stages: [dev]}]\n`],
    ['a path for a stage', `${git}configs: [{type: 1, repo: a, stages: [../b]}]\n`],
    ['another type', `${git}configs: [{type: 3, repo: a, stages: [b]}]\n`],
    ['a repo twice', `${git}configs: [{type: 1, repo: a, stages: [b]}, {type: 1, repo: a, stages: [b]}]\n`],
    ['type 2 without services', `${git}configs: [{type: 2, repo: a, stages: [b], projects: [c]}]\n`],
    ['a group that is not there', `${git}${one}permissions: [{who: ['group:x']}]\n`],
    ['a misspelt key', `${git}${one}permisions: []\n`],
    ['a subject of two lines', `${git}${one}commit: {subject: "a\\nb"}\n`],
    ['pull requests without a token', `${git}${one}pullRequests: {stages: [prod], by: github}\n`],
  ])('%s', async (_, text) => {
    await expect(parseGitops(text, 'gitops.yaml')).rejects.toMatchObject({ code: 'config' });
  });
});

test.each([
  ['ssh://h/o', 'ssh://bot@h/o'],
  ['ssh://git@h:22/o', 'ssh://bot@h:22/o'],
  ['git@h:o/r.git', 'bot@h:o/r.git'],
  ['https://h/o', 'https://h/o'],
  ['file:///o@x:y', 'file:///o@x:y'],
])('the user that is named apart counts: %s', (url, wanted) => {
  expect(remoteUrl({ url, branch: 'main', sshKeyUser: 'bot' })).toBe(wanted);
  expect(remoteUrl({ url, branch: 'main' })).toBe(url);
});

test('settings of git hold what was configured as one value each, whatever is in it', async () => {
  const settings = await gitSettings(
    { url: 'ssh://h/o', branch: 'main', sshKeyPath: "/k/it's $(id)" },
    { name: 'a "b" \\', email: 'x@y' },
  );
  expect(settings).toContain('\tname = "a \\"b\\" \\\\"\n');
  expect(settings).toContain(`-o 'IdentityFile=\\"/k/it'\\\\''s $(id)\\"'`);
  expect(readFileSync('config/gitops.example.yaml', 'utf8')).not.toMatch(/xox[bp]-/);
});
