import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli } from '../../support/cli.ts';
import { tempFolder } from '../../support/temp.ts';
import { CONFIGS } from './bots.ts';
import { bareRepository } from './repository.ts';

test('words after -- are the bot\u2019s own: one commit, its diff on stdout', {
  timeout: 60_000,
}, async () => {
  const root = tempFolder();
  const repository = bareRepository(root);
  const file = join(root, 'gitops.yaml');
  writeFileSync(file, `git: {url: '${repository.url}'}\n${CONFIGS}`);
  const words = ['deploy', 'api', 'env=dev', 'image-tag=007'];
  const run = await cli(['k8s', 'gitops', 'run', '-k', file, '--', ...words], { cwd: root });
  expect(run).toMatchObject({ code: 0 });
  expect(run.stdout).toContain('+  newTag: "007"    # set by the bot');
  expect(repository.log()).toHaveLength(2);
});
