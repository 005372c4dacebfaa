import { execFile } from 'node:child_process';
import { SamovarError } from '../errors.ts';
import type { Deployment, DeploymentCall, Deployments } from './contract.ts';

export interface KubectlOptions {
  /** Name or path of the program. */
  readonly command?: string;
  readonly namespace: string;
  /** Of the kubeconfig; default: its current one. */
  readonly kubeContext?: string;
  /** Of one call. */
  readonly timeoutMs: number;
}

/** A namespace, a name: RFC 1123, with dots. It never begins with a dash, which would be an option. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const LABEL_KEY = /^[A-Za-z0-9]([-\w./]{0,251}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/;
const CONTEXT = /^[\w@:/.][-\w@:/.]*$/;
const OUTPUT_BYTES_MAX = 32 * 2 ** 20;

/** Drives `kubectl`, which knows every way to get at a cluster. It is run without a shell; names are checked before they are given to it. */
export function openKubectl(options: KubectlOptions): Deployments {
  const { namespace, kubeContext } = options;
  assertMatches(namespace, NAME, 'a namespace');
  if (kubeContext !== undefined) assertMatches(kubeContext, CONTEXT, 'a context of kubectl');
  const common = [...(kubeContext === undefined ? [] : ['--context', kubeContext]), '--namespace', namespace];
  const run = (args: readonly string[], call: DeploymentCall = {}) =>
    runKubectl([...args, ...common], options, call);
  const list = async (kind: 'deployments' | 'pods', selector: string, call?: DeploymentCall) =>
    itemsOf(await run(['get', kind, '--selector', selector, '--output', 'json'], call));
  return {
    where: `namespace ${namespace}${kubeContext === undefined ? '' : ` of ${kubeContext}`}`,
    find: async (labels, call) =>
      (await list('deployments', selectorOf(labels), call)).map((item) => deploymentOf(item)),
    scale: async ({ name }, replicas, call) => {
      assertMatches(name, NAME, 'a name of a Deployment');
      await run(['scale', `deployment/${name}`, `--replicas=${replicas}`], call);
    },
    pods: async ({ selector }, call) => (await list('pods', selector, call)).length,
  };
}

/** `owner=golang,repository=go`. Throws `config` for what no label can hold. */
export function selectorOf(labels: Readonly<Record<string, string>>): string {
  const entries = Object.entries(labels);
  for (const [key, value] of entries) {
    assertMatches(key, LABEL_KEY, 'a key of a label');
    assertMatches(value, LABEL_VALUE, `a value of the label ${key}`);
  }
  return entries.map(([key, value]) => `${key}=${value}`).join(',');
}

function assertMatches(text: string, pattern: RegExp, what: string): void {
  if (pattern.test(text)) return;
  throw new SamovarError('config', `${JSON.stringify(text)} cannot be ${what} in Kubernetes`, {
    subject: text,
  });
}

interface Item {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: {
      readonly matchLabels?: Readonly<Record<string, string>>;
      readonly matchExpressions?: readonly unknown[];
    };
  };
  readonly status?: { readonly readyReplicas?: number };
}

function itemsOf(output: string): readonly Item[] {
  try {
    const { items } = JSON.parse(output) as { readonly items?: unknown };
    if (Array.isArray(items)) return items as readonly Item[];
  } catch {
    // As below.
  }
  throw new SamovarError('malformed', `kubectl gave no list: ${output.slice(0, 200)}`, {
    remedy: 'Run kubectl by hand, and see what it says.',
  });
}

function deploymentOf({ metadata, spec, status }: Item): Deployment {
  const { name = '', namespace = '' } = metadata ?? {};
  const labels = spec?.selector?.matchLabels ?? {};
  if (Object.keys(labels).length === 0 || (spec?.selector?.matchExpressions ?? []).length > 0)
    throw new SamovarError(
      'refused',
      `the Deployment ${namespace}/${name} does not select its pods by labels alone`,
      {
        subject: `${namespace}/${name}`,
      },
    );
  // Kubernetes leaves out what is 1 by default, and 0.
  return {
    name,
    namespace,
    replicas: spec?.replicas ?? 1,
    ready: status?.readyReplicas ?? 0,
    selector: selectorOf(labels),
  };
}

function runKubectl(
  args: readonly string[],
  { command = 'kubectl', timeoutMs }: KubectlOptions,
  { signal }: DeploymentCall,
): Promise<string> {
  const own = [...args, `--request-timeout=${Math.ceil(timeoutMs / 1000)}s`];
  const limits = { timeout: timeoutMs + 5_000, maxBuffer: OUTPUT_BYTES_MAX, ...(signal && { signal }) };
  return new Promise((resolve, reject) => {
    execFile(command, own, limits, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(kubectlError(command, args, error, stderr));
    });
  });
}

type ExecError = Error & { readonly code?: unknown; readonly killed?: boolean; readonly name: string };

function kubectlError(
  command: string,
  args: readonly string[],
  cause: ExecError,
  stderr: string,
): SamovarError {
  const subject = `${command} ${args.join(' ')}`;
  if (cause.name === 'AbortError')
    return new SamovarError('aborted', 'stopped while kubectl ran', { subject, cause });
  if (cause.code === 'ENOENT' || cause.code === 'EACCES')
    return new SamovarError('config', `cannot run ${command}`, {
      subject: command,
      remedy: 'Install kubectl, or use --no-kubernetes for a worker on this machine.',
      cause,
    });
  const said = stderr.trim().split('\n').at(-1) ?? '';
  if (cause.killed === true) return new SamovarError('timeout', `${subject} did not end`, { subject, cause });
  return new SamovarError(codeOf(said), `${command} ${args[0] ?? ''} failed: ${said || cause.message}`, {
    subject,
    remedy: 'Run it by hand, and see what it says.',
  });
}

function codeOf(said: string): 'denied' | 'network' | 'missing' | 'refused' {
  if (/forbidden|unauthorized|must be logged in/i.test(said)) return 'denied';
  if (/\(NotFound\)/.test(said)) return 'missing';
  if (/connection|timeout|timed out|unable to connect|no such host|was refused/i.test(said)) return 'network';
  return 'refused';
}
