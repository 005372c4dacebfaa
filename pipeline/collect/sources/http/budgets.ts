/** How much a host may be asked. */
export interface HostBudget {
  /** Requests at once, over all processes of a database. */
  readonly concurrency: number;
  /** Between the beginnings of two requests. */
  readonly gapMs: number;
  /** Failures in a row that open its breaker. */
  readonly failuresMax: number;
  /** How long an open breaker stays so before one request tries. */
  readonly openMs: number;
}

/** Budgets by host, as a URL has it (`host` or `host:port`, lower case); `standard` for all others. */
export interface HostBudgets {
  readonly standard: HostBudget;
  readonly hosts: Readonly<Record<string, HostBudget>>;
}

export function budgetOf(budgets: HostBudgets, host: string): HostBudget {
  return Object.hasOwn(budgets.hosts, host) ? (budgets.hosts[host] ?? budgets.standard) : budgets.standard;
}

/** What a budget, a slot and a breaker are kept by: a URL's host with its port, where that is not the scheme's own. */
export function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}
