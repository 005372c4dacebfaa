const HELP: Readonly<Record<string, readonly string[]>> = {
  deploy: [
    'deploy <repo> env=<stage> image-tag=<tag> [image=<name>] [--dry-run] [--yes]',
    'gives an image its tag in any stage but prod; of a repo of projects, in all of them',
  ],
  release: [
    'release <repo> [project=<project>] image-tag=<tag> [image=<name>] [--dry-run] [--yes]',
    'the same in prod, for one project',
  ],
  scale: [
    'scale <service> env=<stage> [minReplicas=<n>] [maxReplicas=<n>] [--dry-run] [--yes]',
    'moves the bounds of its autoscaler',
  ],
  rollback: [
    'rollback <repo> env=<stage> [project=<project>] [to=<commit>] [--dry-run] [--yes]',
    'gives it the tag that it had before, or had at a commit',
  ],
  list: [
    'list',
    'what there is',
    'list project=<project> env=<stage>',
    'services of a project',
    'list <repo|service> env=<stage> [project=<project>]',
    'its latest eleven changes',
  ],
  info: ['info <repo|service> env=<stage> [project=<project>]', 'its tag, bounds and replicas'],
  freeze: [
    'freeze <repo|*> env=<stage|*> [reason="..."]',
    'nothing is changed there until somebody says unfreeze <repo|*> env=<stage|*>',
  ],
  approve: ['approve <id>, reject <id>, confirm <id>, pending', 'what waits, and what becomes of it'],
};
const SAME: Readonly<Record<string, string>> = {
  unfreeze: 'freeze',
  reject: 'approve',
  confirm: 'approve',
  pending: 'approve',
};

/** Of one command, or of all. */
export function helpLines(about: string | undefined): readonly string[] {
  const name = about === undefined ? undefined : (SAME[about] ?? about);
  const one = name !== undefined && Object.hasOwn(HELP, name) ? HELP[name] : undefined;
  return (one === undefined ? Object.values(HELP) : [one]).flatMap((lines) =>
    lines.map((line, at) => (at % 2 === 0 ? line : `    ${line}`)),
  );
}
