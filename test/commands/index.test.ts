import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../pipeline/commands/index.ts';

describe('the list of commands', () => {
  it.each(COMMANDS.map((listed) => [String(listed.command), listed] as const))(
    '%s: says of a command what the command says of itself',
    async (_name, { command, describe: words, load }) => {
      const own = await load();
      expect({ command, words }).toEqual({ command: own.command, words: own.describe });
    },
  );
});
