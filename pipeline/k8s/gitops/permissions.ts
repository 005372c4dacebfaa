import { SamovarError } from '../../errors.ts';
import { type Command, isChange, type Person } from './command.ts';
import type { ApprovalRule, GitopsConfig, Scope } from './config.ts';

const PROD = 'prod';

interface Asked {
  readonly command: string;
  /** Undefined: of no one of them. `*`: all. */
  readonly repo: string | undefined;
  readonly stage: string | undefined;
}

/** Throws `denied` where no rule allows it. */
export function authorise(config: GitopsConfig, person: Person, command: Command): void {
  const asked = askedOf(command);
  if (asked === undefined || isAllowed(config, person, asked)) return;
  const of = [asked.repo, asked.stage].filter((part) => part !== undefined).join('/');
  throw new SamovarError('denied', `${person.name} may not ${asked.command}${of === '' ? '' : ` ${of}`}`, {
    subject: person.id,
    remedy: `Ask whoever keeps the bot's permissions to allow it to ${person.id}.`,
  });
}

function isAllowed({ permissions, groups }: GitopsConfig, person: Person, asked: Asked): boolean {
  if (permissions !== undefined)
    return permissions.some((rule) => isAmong(person, rule.who, groups) && fits(rule, asked));
  // The original knows no permissions. Where nothing is said, what runs in prod is changed by those only who could push themselves.
  if (person.id.startsWith('cli:')) return true;
  return ['list', 'info'].includes(asked.command) || (asked.stage !== PROD && asked.stage !== '*');
}

/** The rule of approvals that a change falls under; the first that fits. */
export function approvalRule({ approvals }: GitopsConfig, command: Command): ApprovalRule | undefined {
  const asked = askedOf(command);
  return asked === undefined ? undefined : approvals.find((rule) => fits(rule, asked));
}

export function isAmong(person: Person, who: readonly string[], groups: GitopsConfig['groups']): boolean {
  return who.some((one) => {
    if (one === 'anyone' || one === person.id) return true;
    if (one === 'cli:*') return person.id.startsWith('cli:');
    return one.startsWith('group:') && (groups[one.slice('group:'.length)] ?? []).includes(person.id);
  });
}

/** Undefined: everybody may (help), or it is judged by the command that it is about (approve). */
function askedOf(command: Command): Asked | undefined {
  if (isChange(command)) return { command: command.name, repo: command.repo, stage: command.stage };
  switch (command.name) {
    case 'freeze':
    case 'unfreeze':
    case 'info':
      return { command: command.name, repo: command.repo, stage: command.stage };
    case 'history':
      return { command: 'list', repo: command.repo, stage: command.stage };
    case 'services':
      return { command: 'list', repo: undefined, stage: command.stage };
    case 'repos':
    case 'pending':
      return { command: 'list', repo: undefined, stage: undefined };
    default:
      return undefined;
  }
}

function fits({ commands, repos, stages }: Scope, { command, repo, stage }: Asked): boolean {
  return (commands === undefined || commands.includes(command)) && holds(repos, repo) && holds(stages, stage);
}

function holds(list: readonly string[] | undefined, value: string | undefined): boolean {
  if (list === undefined || value === undefined || list.includes('*')) return true;
  return value !== '*' && list.includes(value);
}
