import { describeError, SamovarError } from '../../errors.ts';
import { changeHandler } from './apply.ts';
import { type Command, isChange, type Request } from './command.ts';
import { setFreeze } from './freeze.ts';
import { parseCommand } from './grammar.ts';
import { type BotOptions, baseNamed, type Handling } from './handling.ts';
import { helpLines } from './help.ts';
import { historyLines, infoLines, repoLines, serviceLines, waitingLines } from './looks.ts';
import { authorise } from './permissions.ts';
import { replicaLines } from './replicas.ts';
import { answer, type Reply } from './reply.ts';
import { votes } from './votes.ts';

/** The bot apart from its front ends: a request in, a reply out. */
export interface Bot {
  /** Throws SamovarError with a text for the one who asked. `onProgress` tells what is being done, a few times at most. */
  handle(request: Request, onProgress?: (text: string) => void): Promise<Reply>;
}

export function createBot(options: BotOptions): Bot {
  return {
    handle: async (request, onProgress = () => undefined) => {
      const handling: Handling = { ...options, request, onProgress };
      try {
        const command = parseCommand(request.text, options.config.configs);
        await allow(handling, command);
        return await run(handling, command);
      } catch (error) {
        if (!isNoted(error)) await noteFailure(handling, error);
        throw error;
      }
    },
  };
}

/** Everything that is asked is noted before it is done. */
async function allow({ config, request, audit }: Handling, command: Command): Promise<void> {
  authorise(config, request.person, command);
  await audit({ event: 'asked', request });
}

async function noteFailure({ request, audit }: Handling, error: unknown): Promise<void> {
  const isDenied = error instanceof SamovarError && error.code === 'denied';
  await audit({ event: isDenied ? 'denied' : 'failed', request, reason: describeError(error) });
}

/** The audit file itself failed: it cannot be told of that. */
function isNoted(error: unknown): boolean {
  return (
    error instanceof SamovarError && error.code === 'storage' && error.message.startsWith('the audit file')
  );
}

async function run(handling: Handling, command: Command): Promise<Reply> {
  const { config, engine } = handling;
  if (isChange(command)) return changeHandler(handling, command);
  switch (command.name) {
    case 'freeze':
    case 'unfreeze':
      return setFreeze(handling, command);
    case 'approve':
    case 'reject':
    case 'confirm':
      return votes(handling, command);
    case 'pending':
      return answer(waitingLines(await handling.state.read(), handling.nowMs()));
    case 'repos':
      return answer(repoLines(config.configs));
    case 'services':
      return answer(serviceLines(config.configs, command));
    case 'history':
      return answer(
        await engine.read((tree) => historyLines(tree, baseNamed(config, command.repo), command)),
      );
    case 'info': {
      const base = baseNamed(config, command.repo);
      const lines = await engine.read((tree) => infoLines(tree, base, command));
      return answer([...lines, ...(await replicaLines(handling.replicas, base, command))]);
    }
    default:
      return answer(helpLines(command.about));
  }
}
