import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const FILES: Readonly<Record<string, string>> = {
  'api/overlays/dev/kustomization.yaml': `# The API in dev
resources:
- deployment.yaml

images:
# a proxy beside it
- name: example.com/proxy
  newTag: "1.0"
- name: example.com/api   # ours
  newTag: v1    # set by the bot
`,
  'api/overlays/dev/deployment.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
spec:
  template:
    spec:
      containers:
      - name: api
        image: example.com/api
      - name: proxy
        image: example.com/proxy
`,
  'api/overlays/dev/hpa.yaml': `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: api
spec:
  minReplicas: 2 # at night
  maxReplicas: 5
`,
  'api/overlays/prod/kustomization.yml': `resources:\n- ../dev\nimages:\n- name: example.com/api\n  newTag: v0\n`,
  'shop/overlays/dev/base/kustomization.yaml': `images:\n- name: shop\n  newTag: a1\n`,
  'shop/overlays/prod/overlays/tv/base/Kustomization': `images:\n- name: shop\n  newTag: a0\n`,
  'shop/overlays/prod/overlays/tv/overlays/web/hpa.yaml': `kind: HorizontalPodAutoscaler\nspec: {minReplicas: 1, maxReplicas: 3}\n`,
};

/** A bare repository with branch main, as a server has it, and a way to be somebody else there. */
export function bareRepository(root: string, name = 'configs.git') {
  const folder = join(root, name);
  git(root, 'init', '--quiet', '--bare', '--initial-branch=main', name);
  git(folder, 'config', 'http.receivepack', 'true');
  git(folder, 'config', 'receive.advertisePushOptions', 'true');
  const other = join(root, `${name}-somebody`);
  git(root, 'clone', '--quiet', folder, other);
  git(other, 'checkout', '--quiet', '-B', 'main');
  let count = 0;
  const commit = (files: Readonly<Record<string, string>>, message: string) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(other, path)), { recursive: true });
      writeFileSync(join(other, path), text);
    }
    git(other, 'add', '--all');
    git(other, 'commit', '--quiet', '--message', message);
  };
  const push = (...how: string[]) => git(other, 'push', '--quiet', ...how, 'origin', 'HEAD:refs/heads/main');
  commit(FILES, 'the beginning');
  push();
  return {
    folder,
    url: `file://${folder}`,
    /** Somebody else pushes something that is not the bot's. */
    pushed: () => {
      git(other, 'pull', '--quiet', '--rebase', 'origin', 'main');
      count += 1;
      commit({ [`notes/${count}.md`]: `${count}\n` }, `somebody's commit ${count}`);
      push();
    },
    /** Somebody rewrites history: the branch has one commit, of which nobody knew. */
    rewritten: (files: Readonly<Record<string, string>> = {}) => {
      git(other, 'fetch', '--quiet', 'origin', 'main');
      git(other, 'checkout', '--quiet', '--orphan', `new-${count++}`, 'FETCH_HEAD');
      commit({ ...files, 'rewritten.md': `${count}\n` }, 'history is rewritten');
      push('--force');
    },
    change: (files: Readonly<Record<string, string>>, message: string) => {
      git(other, 'pull', '--quiet', '--rebase', 'origin', 'main');
      commit(files, message);
      push();
    },
    file: (path: string) => readFileSync(join(folder, path), 'utf8'),
    link: (path: string, target: string) => {
      mkdirSync(dirname(join(other, path)), { recursive: true });
      symlinkSync(target, join(other, path));
      commit({}, 'a link');
      push();
    },
    hook: (name: string, script: string) => {
      writeFileSync(join(folder, 'hooks', name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, 'hooks', name), 0o755);
    },
    log: (format = '%s', branch = 'main') =>
      git(folder, 'log', `--format=${format}`, branch)
        .split('\n')
        .filter((line) => line !== ''),
    show: (path: string, branch = 'main') => git(folder, 'show', `${branch}:${path}`),
    git: (...args: string[]) => git(folder, ...args),
  };
}

export type BareRepository = ReturnType<typeof bareRepository>;

function git(folder: string, ...args: string[]): string {
  const identity = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.com', '-c', 'gc.auto=0'];
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0' };
  return execFileSync('git', [...identity, ...args], { cwd: folder, encoding: 'utf8', env, stdio: 'pipe' });
}
