import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCluster } from '../../pipeline/k8s/client-node.ts';
import { type Cluster, KINDS, type Kind } from '../../pipeline/k8s/cluster.ts';
import { type KubeApiserver, kubeApiserverOrSkip, startKubeApiserver } from '../support/kube-apiserver.ts';
import { codeOf } from '../support/kube-objects.ts';

const START_MS_MAX = 300_000;
const rbac = (plural: string, kind: string): Kind => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural,
  kind,
  namespaced: true,
});

const found = kubeApiserverOrSkip();
if ('skip' in found)
  describe('a real API server', () => {
    it('is asked over TLS, and refuses what nobody was given', (context) => context.skip(found.skip));
  });
else
  describe('a real API server', () => {
    let server: KubeApiserver;
    let admin: Cluster;
    beforeAll(async () => {
      server = await startKubeApiserver(found);
      admin = await openCluster({ kubeconfig: server.kubeconfig });
    }, START_MS_MAX);
    afterAll(async () => {
      admin?.close();
      await server?.stop();
    });

    it('refuses what a role does not allow, and a role that is given later is used', async () => {
      const limited = await openCluster({ kubeconfig: server.user('limited') });
      const namespace = 'default';
      await expect(limited.list(KINDS.configMap, { namespace })).rejects.toMatchObject({
        code: 'denied',
        status: 403,
        message: expect.stringContaining('User "limited" cannot list resource "configmaps"'),
      });
      const metadata = { name: 'reader', namespace };
      const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch'] }];
      await admin.create(rbac('roles', 'Role'), { metadata, rules });
      const subjects = [{ kind: 'User', name: 'limited', apiGroup: 'rbac.authorization.k8s.io' }];
      const roleRef = { kind: 'Role', name: 'reader', apiGroup: 'rbac.authorization.k8s.io' };
      await admin.create(rbac('rolebindings', 'RoleBinding'), { metadata, subjects, roleRef });
      await expect
        .poll(() => codeOf(limited.list(KINDS.configMap, { namespace })), { timeout: 20_000 })
        .toMatch(/^no error/);
      expect(await codeOf(limited.get(KINDS.configMap, { name: 'x', namespace }))).toBe('denied 403');
      limited.close();
    });

    it('is not believed when its certificate is of another authority', async () => {
      const config = JSON.parse(readFileSync(server.kubeconfig, 'utf8'));
      const kubeconfig = join(dirname(server.kubeconfig), 'other-ca.kubeconfig');
      writeFileSync(join(dirname(kubeconfig), 'other.crt'), rootCertificates[0] ?? '');
      config.clusters[0].cluster['certificate-authority'] = 'other.crt';
      writeFileSync(kubeconfig, JSON.stringify(config));
      const cluster = await openCluster({ kubeconfig });
      await expect(cluster.get(KINDS.namespace, { name: 'default' })).rejects.toMatchObject({
        code: 'network',
        remedy: expect.stringContaining('certificate authority'),
      });
      cluster.close();
    });

    it('does not know a wrong token', async () => {
      const config = JSON.parse(readFileSync(server.kubeconfig, 'utf8'));
      config.users[0].user = { token: 'wrong' };
      const kubeconfig = join(dirname(server.kubeconfig), 'wrong-token.kubeconfig');
      writeFileSync(kubeconfig, JSON.stringify(config));
      const cluster = await openCluster({ kubeconfig });
      expect(await codeOf(cluster.get(KINDS.namespace, { name: 'default' }))).toBe('denied 401');
      cluster.close();
    });
  });
