import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { followCommand } from '../../pipeline/commands/mutation-log/follow.ts';
import { replayCommand } from '../../pipeline/commands/mutation-log/replay.ts';

/** The commands alone, in a process of their own. */
await yargs(hideBin(process.argv)).command(followCommand).command(replayCommand).strict().parseAsync();
