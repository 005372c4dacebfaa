/** What triage gives: the shape of clusters.json and of what pages show. docs/triage.md describes it for others. */
export interface TriageResult {
  /** Raised when a field changes its meaning or goes away. */
  readonly format: 1;
  /** Epoch seconds, as all times here. */
  readonly generated: number;
  /** Failures of builds finished from here on, and before `generated`. */
  readonly since: number;
  /** A glob over jobs, where only some were asked for. */
  readonly job?: string;
  /** Builds with a failed test. */
  readonly builds: number;
  readonly failures: number;
  /** All there are; `clusters` may have fewer. */
  readonly clustersTotal: number;
  /** Most builds first. */
  readonly clusters: readonly FailureCluster[];
}

export interface FailureCluster {
  /** 20 hex digits; the same from day to day. */
  readonly id: string;
  /** The normalised text that the cluster began with: at most some 4,000 characters, from outside. */
  readonly text: string;
  readonly owner?: string;
  readonly builds: number;
  readonly failures: number;
  /** Of the cluster's whole life, not only of the window: finish of its first and last build. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Days with a failure, oldest first. */
  readonly perDay: readonly ClusterDay[];
  readonly jobsTotal: number;
  /** Most builds first, at most 100; `tests` too. */
  readonly jobs: readonly ClusterPart[];
  readonly testsTotal: number;
  readonly tests: readonly ClusterPart[];
  /** The newest failures, at most 10. */
  readonly examples: readonly ClusterExample[];
}

export interface ClusterDay {
  /** `2026-11-20`, of UTC. */
  readonly day: string;
  readonly builds: number;
  readonly failures: number;
}

export interface ClusterPart {
  readonly name: string;
  readonly builds: number;
  readonly failures: number;
}

export interface ClusterExample {
  /** URL of the build's folder. */
  readonly path: string;
  readonly job: string;
  readonly test: string;
  readonly finished: number;
}
