import { testCluster } from '../conformance/cluster.ts';
import { startKubeApi } from '../support/kube-api.ts';

testCluster('in memory', async () => {
  const { kubeconfig, close } = await startKubeApi({ namespaces: ['suite'] });
  return { kubeconfig, namespace: 'suite', close };
});
