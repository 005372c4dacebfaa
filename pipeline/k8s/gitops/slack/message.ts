import { describeError, SamovarError } from '../../../errors.ts';
import type { Person } from '../command.ts';
import type { Reply } from '../reply.ts';

/** A message as Slack takes it. */
export interface SlackMessage {
  readonly text: string;
  readonly blocks?: readonly unknown[];
}

const TEXT_CHARS_MAX = 2_800;

/** Slack's own signs for users, channels and links must not come out of what somebody typed; nor may a fence be closed. */
export function slackText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('```', "'''");
}

/** What somebody typed, as Slack hands it over: three signs escaped. */
export function typedText(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&').trim();
}

export function progressMessage(person: Person, text: string, progress: string): SlackMessage {
  return { text: `${head(person)}: \`${slackText(text).replaceAll('`', "'")}\`\n_${slackText(progress)}_` };
}

/** The original's: who, then everything in a fence; and buttons where somebody has to decide. */
export function replyMessage(person: Person, reply: Reply): SlackMessage {
  const { lines, diff = '', waiting, url } = reply;
  const body = [...lines, ...(diff === '' ? [] : ['', diff])].join('\n');
  const link = url === undefined ? '' : `\n<${encodeURI(url)}>`;
  const text = `${head(person)}\n${fenced(body)}${link}`;
  if (waiting === undefined) return { text };
  const section = { type: 'section', text: { type: 'mrkdwn', text } };
  const names = waiting.for === 'approval' ? ['approve', 'reject'] : ['confirm', 'reject'];
  const elements = names.map((name) => ({
    type: 'button',
    text: { type: 'plain_text', text: `${name.charAt(0).toUpperCase()}${name.slice(1)}` },
    action_id: `samovar_${name}`,
    value: waiting.id,
    style: name === 'reject' ? 'danger' : 'primary',
  }));
  return { text, blocks: [section, { type: 'actions', elements }] };
}

/** Only what is meant for people: causes may hold what is none of a channel's business. */
export function errorMessage(person: Person, error: unknown): SlackMessage {
  if (!(error instanceof SamovarError))
    return { text: `${head(person)}\n${fenced('this operation failed')}` };
  const lines = [error.message, ...(error.remedy === undefined ? [] : [error.remedy])];
  return { text: `${head(person)}\n${fenced(lines.join('\n'))}` };
}

function fenced(text: string): string {
  const short = text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}\n...` : text;
  return `\`\`\`\n${slackText(short)}\n\`\`\``;
}

function head({ id, name }: Person): string {
  const user = /^slack:([UW][A-Z0-9]+)$/.exec(id)?.[1];
  return user === undefined ? slackText(name) : `<@${user}> on ground control`;
}

/** For logs. */
export function reasonOf(error: unknown): string {
  return describeError(error);
}
