import type { Change, Person, Request } from './command.ts';
import { targetText } from './command.ts';
import type { CommitTexts } from './config.ts';
import type { EditedFile } from './edit/image.ts';

/** An edit and the file it is of. */
export interface Edit extends EditedFile {
  readonly path: string;
}

const DONE = { deploy: 'deployed', release: 'released', scale: 'scaled', rollback: 'rolled back' } as const;
const NAME_CHARS_MAX = 80;

/** One line each, as the original says it, and what it was before. */
export function changeLines(edits: readonly Edit[]): readonly string[] {
  return edits.map(
    ({ what, new: now, old }) => `Set ${what} to ${now}${old === '' || old === now ? '' : ` (was ${old})`}`,
  );
}

export function commitMessage(
  texts: CommitTexts,
  change: Change,
  edits: readonly Edit[],
  { request, approvals }: { readonly request: Request; readonly approvals: readonly Person[] },
): string {
  const fill = filler(change, edits, request);
  const trailers = [
    `Requested-by: ${oneLine(request.person.name)} <${request.person.id}>`,
    `Request-id: ${request.id}`,
    ...approvals.map(({ name, id }) => `Approved-by: ${oneLine(name)} <${id}>`),
  ];
  const parts = [fill(texts.subject).slice(0, 200), fill(texts.body).trim(), trailers.join('\n')];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** `Samovar(+ann) <samovar@localhost>` */
export function commitAuthor({ name, email }: CommitTexts, person: Person): string {
  return `${name}(+${oneLine(person.name)}) <${email}>`;
}

export function doneLine(
  texts: CommitTexts,
  change: Change,
  edits: readonly Edit[],
  request: Request,
): string {
  return filler(change, edits, request)(texts.subject);
}

function filler(change: Change, edits: readonly Edit[], request: Request) {
  const values: Readonly<Record<string, string>> = {
    command: change.name,
    done: DONE[change.name],
    target: targetText(change),
    repo: change.repo,
    stage: change.stage,
    project: change.project ?? '',
    user: oneLine(request.person.name),
    old: edits.map(({ old }) => old).join(', '),
    new: edits.map((edit) => edit.new).join(', '),
    changes: changeLines(edits).join('\n'),
    text: request.text,
  };
  // In one pass: braces that somebody typed mean nothing.
  return (template: string) => template.replace(/\{(\w+)\}/g, (all, key: string) => values[key] ?? all);
}

/** A name comes from elsewhere: it must not end a line, nor an author's name. */
export function oneLine(text: string): string {
  const plain = text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>"]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return plain.slice(0, NAME_CHARS_MAX) || 'somebody';
}
