import type { Argv } from 'yargs';
import { othersVariable } from '../context.ts';
import { SamovarError } from '../errors.ts';
import { parseShard, type Shard } from '../records/shard.ts';

export interface ShardArgs {
  readonly shard?: string | undefined;
  readonly shards?: number | undefined;
}

/** Kubernetes sets it in the pods of an Indexed Job. */
const INDEX_VARIABLE = 'JOB_COMPLETION_INDEX';

export function shardOptions<T>(yargs: Argv<T>) {
  return yargs
    .option('shard', {
      type: 'string',
      describe: 'I/N: only the builds of part I of N, counted from 0; docs/scaling.md',
    })
    .option('shards', {
      type: 'number',
      describe: `N, where the part is told by ${INDEX_VARIABLE}, as in a Kubernetes Indexed Job`,
    })
    .conflicts('shard', 'shards');
}

/** The shard that was asked for; undefined when none was. Throws `config`. */
export function shardOfArgs(args: ShardArgs): Shard | undefined {
  if (args.shard !== undefined) return parseShard(args.shard, '--shard');
  if (args.shards === undefined) return undefined;
  const index = othersVariable(INDEX_VARIABLE);
  if (index !== undefined) return parseShard(`${index}/${args.shards}`, `${INDEX_VARIABLE} of --shards`);
  throw new SamovarError(
    'config',
    `--shards ${args.shards}: ${INDEX_VARIABLE} does not say which part this is`,
    {
      remedy: `Give --shard I/${args.shards}, or run it as a Kubernetes Indexed Job.`,
    },
  );
}
