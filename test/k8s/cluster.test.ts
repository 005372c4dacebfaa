import { describe, it } from 'vitest';
import { openCluster } from '../../pipeline/k8s/client-node.ts';
import { KINDS } from '../../pipeline/k8s/cluster.ts';
import { testCluster } from '../conformance/cluster.ts';
import { startKubeApi } from '../support/kube-api.ts';
import { kubeApiserverOrSkip, startKubeApiserver } from '../support/kube-apiserver.ts';

testCluster('in memory', async () => {
  const { kubeconfig, expireVersions, close } = await startKubeApi({ namespaces: ['suite'] });
  return { kubeconfig, namespace: 'suite', forget: async () => expireVersions(), close };
});

const binaries = kubeApiserverOrSkip();
if ('skip' in binaries)
  describe('cluster: kube-apiserver', () => {
    it('is what the one in memory is like', (context) => context.skip(binaries.skip));
  });
else
  testCluster('kube-apiserver', async () => {
    const server = await startKubeApiserver(binaries);
    const cluster = await openCluster({ kubeconfig: server.kubeconfig });
    await cluster.create(KINDS.namespace, { metadata: { name: 'suite' } });
    cluster.close();
    const { kubeconfig, restart, stop } = server;
    return { kubeconfig, namespace: 'suite', forget: restart, close: stop };
  });
