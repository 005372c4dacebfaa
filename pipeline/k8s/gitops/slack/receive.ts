import type { Bot } from '../bot.ts';
import type { Person } from '../command.ts';
import { oneLine } from '../messages.ts';
import { errorMessage, progressMessage, reasonOf, replyMessage, typedText } from './message.ts';
import { type TalkOptions, tellAbout, type Where, whisper } from './talk.ts';

export interface ReceiveOptions extends TalkOptions {
  readonly bot: Bot;
  /** Of a new request. */
  readonly newId: () => string;
  /** Workspaces that are listened to; undefined: any that has the secret. */
  readonly teams?: readonly string[] | undefined;
  /** What runs, so that the process can wait for it before it ends. */
  readonly onWork: (work: Promise<void>) => void;
}

export interface Ack {
  readonly response_type: 'ephemeral';
  readonly text: string;
}

/** Fields of a slash command, by either way in. */
export type SlashFields = Readonly<Record<string, string | undefined>>;

const FIELD_CHARS_MAX = 4_000;

/** Begins a slash command, and gives what Slack is answered at once: what it comes to is told later. */
export function receiveSlash(fields: SlashFields, options: ReceiveOptions): Ack | undefined {
  const { command = '', text = '', user_id: user = '', user_name: name = '', team_id: team = '' } = fields;
  if (!isWelcome(team, options)) return ack('this workspace is not listened to');
  if (!/^[UW][A-Z0-9]{1,30}$/.test(user) || text.length > FIELD_CHARS_MAX)
    return ack('this request is malformed');
  if (command !== '/major-tom' && command !== '/samovar')
    return ack(`${command.slice(0, 50)} is not a supported slash command\ncall help`);
  const person: Person = { id: `slack:${user}`, name: oneLine(name || user) };
  const where: Where = { channel: fields.channel_id ?? '', responseUrl: fields.response_url ?? '' };
  options.onWork(runCommand(typedText(text), person, where, options));
  return undefined;
}

/** A button of one of the bot's messages. */
export function receiveButton(payload: unknown, options: ReceiveOptions): void {
  const { type, user, team, channel, response_url: responseUrl, actions } = (payload ?? {}) as ButtonPayload;
  if (type !== 'block_actions' || !isWelcome(team?.id ?? '', options)) return;
  const [action] = Array.isArray(actions) ? actions : [];
  const name = /^samovar_(approve|reject|confirm)$/.exec(String(action?.action_id))?.[1];
  const id = String(user?.id);
  if (
    name === undefined ||
    !/^[0-9a-z]{4,20}$/.test(String(action?.value)) ||
    !/^[UW][A-Z0-9]{1,30}$/.test(id)
  )
    return;
  const person: Person = { id: `slack:${id}`, name: oneLine(String(user?.username ?? user?.name ?? id)) };
  const where: Where = { channel: String(channel?.id ?? ''), responseUrl: String(responseUrl ?? '') };
  options.onWork(runCommand(`${name} ${action?.value}`, person, where, options));
}

interface ButtonPayload {
  readonly type?: unknown;
  readonly user?: { readonly id?: unknown; readonly username?: unknown; readonly name?: unknown };
  readonly team?: { readonly id?: string };
  readonly channel?: { readonly id?: unknown };
  readonly response_url?: unknown;
  readonly actions?: readonly { readonly action_id?: unknown; readonly value?: unknown }[];
}

function isWelcome(team: string, { teams }: ReceiveOptions): boolean {
  return teams === undefined || teams.includes(team);
}

/** Mistakes are for the one who made them; what happens to a repository is for the channel. */
async function runCommand(
  text: string,
  person: Person,
  where: Where,
  options: ReceiveOptions,
): Promise<void> {
  const told = tellAbout(where, options);
  let isTold = false;
  try {
    const reply = await options.bot.handle({ id: options.newId(), person, text }, (progress) => {
      isTold = true;
      void told.show(progressMessage(person, text, progress));
    });
    await told.show(replyMessage(person, reply));
  } catch (error) {
    options.log(`a command of ${person.id} failed: ${reasonOf(error)}`);
    const message = errorMessage(person, error);
    await (isTold ? told.show(message) : whisper(where, message, options));
  }
}

function ack(text: string): Ack {
  return { response_type: 'ephemeral', text };
}
