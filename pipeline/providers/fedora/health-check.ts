import { HOUR_MS } from '../clocks.ts';
import { type FedoraProvider, usual } from './make.ts';

/** Its upstream has been switched off: clients that ask still get an answer of the known shape. */
export const healthCheck: FedoraProvider = {
  name: 'health_check',
  make: (config) =>
    usual(config, 24 * HOUR_MS, {
      name: 'health_check',
      title: 'Packages that fail to install (the upstream is gone)',
      kind: 'retired',
      schema: { type: 'array' },
      empty: [],
    }),
};
