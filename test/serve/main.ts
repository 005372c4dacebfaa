import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { serveCommand } from '../../pipeline/commands/mutation-log/serve.ts';

/** The command alone, in a process of its own. */
await yargs(hideBin(process.argv)).command(serveCommand).strict().parseAsync();
