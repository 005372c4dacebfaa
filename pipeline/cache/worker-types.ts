export type { Upstream } from './contract.ts';
export type { RunRecord } from './engine.ts';
