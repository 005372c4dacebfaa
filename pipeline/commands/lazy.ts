import type { CommandModule } from 'yargs';

/**
 * A command that is read when it is asked for: what the others need is no part of its start, and a start is most of what a short
 * command takes. `command` and `describe` are the module's own, told beforehand for the list of commands; a test keeps them the same.
 */
export function lazily<T>(
  command: string,
  describe: string,
  // biome-ignore lint/suspicious/noExplicitAny: each command has arguments of its own, which only yargs puts together
  load: () => Promise<CommandModule<object, any>>,
): CommandModule<T, object> & { readonly load: typeof load } {
  return {
    command,
    describe,
    load,
    builder: async (yargs) => {
      const { builder } = await load();
      return typeof builder === 'function' ? builder(yargs as never) : yargs.options(builder ?? {});
    },
    handler: async (args) => (await load()).handler(args),
  };
}
