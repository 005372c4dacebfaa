import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { SamovarError } from '../../errors.ts';
import type { Bot } from './bot.ts';
import { COMMAND_NAMES } from './grammar.ts';

export interface GitopsMetrics {
  /** A command of git begins; to be called with its exit code when it has ended, or undefined when it was ended. */
  git(command: string): (code: number | undefined) => void;
  /** A change is made again: `lost` the race, or `failed` on the way. */
  pushRetried(why: 'lost' | 'failed'): void;
  /** A request that claims to come from Slack, or a caller of the API, is not listened to. */
  refused(from: 'slack' | 'api', reason: string): void;
  /** Counts what a bot is asked. */
  watched(bot: Bot): Bot;
  /** Serves `/metrics`. */
  render(): Promise<string>;
}

const GIT_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];
const COMMAND_BUCKETS_S = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export interface GitopsAmounts {
  /** The repository of manifests, and how many commands wait for it or are under way. */
  readonly queue: () => { readonly repository: string; readonly waiting: number };
}

/** Labels have few and known values: neither people nor tags are among them. */
export function createGitopsMetrics(monotonicMs: () => number, amounts: GitopsAmounts): GitopsMetrics {
  const registers = [new Registry()];
  const retries = new Counter({
    name: 'samovar_gitops_push_retries_total',
    help: 'Changes that were made again: another push came first, or the server could not be reached',
    labelNames: ['why'],
    registers,
  });
  const refused = new Counter({
    name: 'samovar_gitops_requests_refused_total',
    help: 'Requests of nobody who may ask: wrong, late, replayed or too many signatures, unknown tokens',
    labelNames: ['from', 'reason'],
    registers,
  });
  const queue = new Gauge({
    name: 'samovar_gitops_queue',
    help: 'Commands that wait for a repository of manifests, or are under way there',
    labelNames: ['repository'],
    registers,
  });
  const counts = commandCounts(monotonicMs, registers);
  const git = gitTimes(monotonicMs, registers);
  for (const why of ['lost', 'failed']) retries.inc({ why }, 0);
  return {
    git,
    pushRetried: (why) => retries.inc({ why }),
    refused: (from, reason) => refused.inc({ from, reason }),
    watched: (bot) => ({ handle: (request, onProgress) => counts(bot, request, onProgress) }),
    render: () => {
      const { repository, waiting } = amounts.queue();
      queue.set({ repository }, waiting);
      return registers[0]?.metrics() ?? Promise.resolve('');
    },
  };
}

function gitTimes(monotonicMs: () => number, registers: Registry[]): GitopsMetrics['git'] {
  const times = new Histogram({
    name: 'samovar_gitops_git_seconds',
    help: 'One run of git, by its command',
    labelNames: ['command', 'outcome'],
    buckets: GIT_BUCKETS_S,
    registers,
  });
  return (command) => {
    const beganMs = monotonicMs();
    return (code) => {
      const outcome = code === undefined ? 'ended' : code === 0 ? 'done' : 'failed';
      times.observe({ command, outcome }, (monotonicMs() - beganMs) / 1000);
    };
  };
}

function commandCounts(monotonicMs: () => number, registers: Registry[]) {
  const commands = new Counter({
    name: 'samovar_gitops_commands_total',
    help: 'Commands, by what they came to: a state of the reply, or a code of the error',
    labelNames: ['command', 'outcome'],
    registers,
  });
  const times = new Histogram({
    name: 'samovar_gitops_command_seconds',
    help: 'From a command to its reply, with the time in the queue',
    labelNames: ['command'],
    buckets: COMMAND_BUCKETS_S,
    registers,
  });
  return async (bot: Bot, ...[request, onProgress]: Parameters<Bot['handle']>) => {
    const command = nameOf(request.text);
    const beganMs = monotonicMs();
    const ended = (outcome: string) => {
      commands.inc({ command, outcome });
      times.observe({ command }, (monotonicMs() - beganMs) / 1000);
    };
    try {
      const reply = await bot.handle(request, onProgress);
      ended(reply.state);
      return reply;
    } catch (error) {
      ended(error instanceof SamovarError ? error.code : 'bug');
      throw error;
    }
  };
}

function nameOf(text: string): string {
  const [word = ''] = text.trim().split(/\s/);
  if (word === '') return 'help';
  return COMMAND_NAMES.includes(word) ? word : 'other';
}
