/** What is needed of a Kubernetes cluster to stop and start a worker. */
export interface Deployment {
  readonly namespace: string;
  readonly name: string;
  /** As many pods as are wanted. */
  readonly replicas: number;
  /** Of these, as many as are ready to work. */
  readonly ready: number;
  /** By which its pods are found: `app=mtr-d-0`. */
  readonly selector: string;
}

export interface DeploymentCall {
  readonly signal?: AbortSignal;
}

/** Deployments of one namespace of one cluster. */
export interface Deployments {
  /** In words: which cluster and namespace. */
  readonly where: string;
  /** Those that have all of the labels. */
  find(labels: Readonly<Record<string, string>>, call?: DeploymentCall): Promise<readonly Deployment[]>;
  scale(deployment: Pick<Deployment, 'name'>, replicas: number, call?: DeploymentCall): Promise<void>;
  /** Pods that are there, those that are ending too. */
  pods(deployment: Pick<Deployment, 'selector'>, call?: DeploymentCall): Promise<number>;
}
