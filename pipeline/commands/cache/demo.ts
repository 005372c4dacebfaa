import type { CommandModule } from 'yargs';
import { type CacheArgs, cacheOptions } from './place.ts';

export const demoCommand: CommandModule<object, CacheArgs> = {
  command: 'demo',
  describe: 'See it work offline',
  builder: (yargs) => cacheOptions(yargs),
  handler: () => undefined,
};
