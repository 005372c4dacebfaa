import type { HostBudgets } from '../collect/sources/http/budgets.ts';
import type { Store } from '../store/open.ts';
import type { Provider } from './contract.ts';

/** What every part of a cache is made of: the same object goes to openCache, workers, schedulers, warming and checks. */
export interface CacheParts {
  readonly store: Pick<Store, 'cache'>;
  readonly providers: readonly Provider[];
  readonly hosts: HostBudgets;
  readonly nowMs: () => number;
  /** A subject that was asked for within this time is kept warm. */
  readonly seenMs: number;
  /** Something an operator should read; never a secret. */
  readonly onNotice?: (text: string) => void;
}
