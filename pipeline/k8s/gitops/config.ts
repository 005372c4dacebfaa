import { readSchema } from '../../config/shipped.ts';
import { parseConfig, readConfigText } from '../../config/yaml.ts';

/**
 * What the bot is told by its two files: one of repositories and rules, and one of secrets. The original's files are read as they are;
 * all other keys are Samovar's own.
 *
 * Glossary: a *code base* is what is deployed, under the name of its source repository; a *stage* is an environment; a *service* of a
 * code base of type 2 belongs to one of its *projects*.
 */
export interface GitopsConfig {
  readonly git: GitPlace;
  readonly configs: readonly CodeBase[];
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** Undefined: the file says nothing of permissions. */
  readonly permissions: readonly PermissionRule[] | undefined;
  readonly approvals: readonly ApprovalRule[];
  /** Stages whose changes are first shown, and made only when the requester confirms. */
  readonly confirmStages: readonly string[];
  readonly commit: CommitTexts;
  readonly pullRequests: PullRequests | undefined;
  readonly clusters: Readonly<Record<string, { readonly context?: string; readonly namespace?: string }>>;
  readonly auditFile: string | undefined;
  /** Of freezes and of commands that wait for approval. */
  readonly stateFolder: string | undefined;
  readonly check: 'auto' | 'required' | 'off';
  /** By host. Empty: nothing is looked up. */
  readonly registries: Readonly<Record<string, Registry>>;
}

/** Where images are, by the API of distributions. */
export interface Registry {
  /** Default `https://HOST`. */
  readonly url?: string;
  readonly user?: string;
  readonly passwordPath?: string;
}

export interface GitPlace {
  readonly url: string;
  readonly branch: string;
  readonly sshKeyPath?: string;
  readonly sshKeyUser?: string;
  readonly sshKnownhosts?: string;
  readonly httpTokenPath?: string;
  readonly httpUser?: string;
  readonly signingKeyPath?: string;
}

export interface CodeBase {
  readonly type: 1 | 2;
  readonly repo: string;
  readonly stages: readonly string[];
  readonly projects: readonly string[];
  readonly services: readonly string[];
  readonly image?: string;
}

/** Lists that are not given, or hold `*`, are of everything. */
export interface Scope {
  readonly commands?: readonly string[];
  readonly stages?: readonly string[];
  readonly repos?: readonly string[];
}

export interface PermissionRule extends Scope {
  readonly who: readonly string[];
}

export interface ApprovalRule extends Scope {
  readonly count: number;
  readonly from: readonly string[];
  readonly hours?: number;
}

export interface CommitTexts {
  readonly name: string;
  readonly email: string;
  readonly subject: string;
  readonly body: string;
}

export interface PullRequests {
  readonly stages: readonly string[];
  readonly by: 'github' | 'options' | 'branch';
  readonly apiUrl?: string;
  readonly repository?: string;
  readonly tokenPath?: string;
  readonly labels?: readonly string[];
  readonly options?: readonly string[];
}

export interface BotSecrets {
  readonly slackAppToken?: string;
  readonly slackBotToken?: string;
  readonly slackSigningSecret?: string;
  readonly slackTeams?: readonly string[];
  readonly apiTokens?: readonly { readonly name: string; readonly token: string }[];
}

const COMMIT: CommitTexts = {
  name: 'Samovar',
  email: 'samovar@localhost',
  subject: '{command}({target}): {done} by +{user}',
  body: '{changes}\n\nby "{text}"',
};

/** Reads the file of repositories and rules. Throws one `config` error with all that is wrong. */
export async function readGitops(file: string): Promise<GitopsConfig> {
  const text = await readConfigText(file, file);
  return parseGitops(text, file);
}

export async function parseGitops(text: string, file: string): Promise<GitopsConfig> {
  const document = parseConfig(text, { file, schema: await readSchema('gitops') });
  const value = document.value as Partial<GitopsConfig> & Pick<GitopsConfig, 'git' | 'configs'>;
  const seen = new Set<string>();
  for (const [at, { repo, type, projects, services }] of value.configs.entries()) {
    const path = ['configs', String(at)];
    if (seen.has(repo)) document.report(path, `${repo} is there twice; allowed: each repo once`);
    seen.add(repo);
    if (type === 2 && !(projects?.length && services?.length))
      document.report(path, `${repo} has type 2 and no projects or services; allowed: at least one of each`);
  }
  checkGroups(value, document.report);
  const { pullRequests } = value;
  if (pullRequests?.by === 'github' && !(pullRequests.repository && pullRequests.tokenPath))
    document.report(['pullRequests'], 'by: github needs repository and tokenPath');
  document.finish();
  return completed(value);
}

function completed(value: Partial<GitopsConfig> & Pick<GitopsConfig, 'git' | 'configs'>): GitopsConfig {
  return {
    git: { ...value.git, branch: value.git.branch ?? 'main' },
    configs: value.configs.map((base) => ({
      ...base,
      stages: base.stages ?? [],
      projects: base.projects ?? [],
      services: base.services ?? [],
    })),
    groups: value.groups ?? {},
    permissions: value.permissions,
    approvals: value.approvals ?? [],
    confirmStages: value.confirmStages ?? ['prod'],
    commit: { ...COMMIT, ...value.commit },
    pullRequests: value.pullRequests,
    clusters: value.clusters ?? {},
    auditFile: value.auditFile,
    stateFolder: value.stateFolder,
    check: value.check ?? 'auto',
    registries: value.registries ?? {},
  };
}

/** A group that is misspelt would silently allow nobody, or ask nobody. */
function checkGroups(
  { groups = {}, permissions = [], approvals = [] }: Partial<GitopsConfig>,
  report: (path: readonly string[], text: string) => void,
): void {
  const check = (people: readonly string[], path: readonly string[]) => {
    for (const [at, who] of people.entries()) {
      if (who.startsWith('group:') && !(who.slice(6) in groups))
        report([...path, String(at)], `there is no group ${who.slice(6)}`);
    }
  };
  for (const [at, { who }] of permissions.entries()) check(who, ['permissions', String(at), 'who']);
  for (const [at, { from }] of approvals.entries()) check(from, ['approvals', String(at), 'from']);
  for (const [name, people] of Object.entries(groups)) {
    for (const [at, who] of people.entries())
      if (who.startsWith('group:')) report(['groups', name, String(at)], 'a group cannot hold a group');
  }
}

/** Reads the file of secrets; it may be empty. Throws `config`. */
export async function readBotSecrets(file: string): Promise<BotSecrets> {
  const text = await readConfigText(file, file);
  const schema = await readSchema('gitops-bot');
  const { slackBotToken, ...others } = parseConfig(text, { file, schema, mayBeEmpty: true })
    .value as BotSecrets;
  // The original never used it: in its files it may be empty.
  return slackBotToken ? { ...others, slackBotToken } : others;
}
