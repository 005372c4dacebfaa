import { html } from 'hono/html';
import type { FailureCluster } from '../../triage/types.ts';
import type { ClusterList } from '../models.ts';
import type { Html, PageContext } from '../page.ts';

export function clustersPage(_model: ClusterList, _context: PageContext): Html {
  return html`<!doctype html>`;
}

export function clusterPage(_cluster: FailureCluster, _context: PageContext): Html {
  return html`<!doctype html>`;
}
