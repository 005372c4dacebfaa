import { SamovarError } from '../../errors.ts';
import type { Audit } from './audit.ts';
import type { Request } from './command.ts';
import type { CodeBase, GitopsConfig } from './config.ts';
import type { Engine } from './engine.ts';
import type { PullRequester } from './pull-request.ts';
import type { TagCheck } from './registry.ts';
import type { ReplicaReader } from './replicas.ts';
import type { StateStore } from './state.ts';

export interface BotOptions {
  readonly config: GitopsConfig;
  readonly engine: Engine;
  readonly state: StateStore;
  readonly audit: Audit;
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly pullRequest?: PullRequester;
  readonly tagCheck?: TagCheck;
  /** For info. */
  readonly replicas?: ReplicaReader;
}

/** What each part of the bot gets. */
export interface Handling extends BotOptions {
  readonly request: Request;
  readonly onProgress: (text: string) => void;
}

export function baseNamed({ configs }: GitopsConfig, repo: string): CodeBase {
  const base = configs.find((one) => one.repo === repo);
  if (base !== undefined) return base;
  throw new SamovarError('refused', 'invalid repo name', { remedy: 'Say list to see their names.' });
}
