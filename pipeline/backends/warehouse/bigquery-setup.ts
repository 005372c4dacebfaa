import { SamovarError } from '../../errors.ts';
import type { SetupStep } from '../setup/contract.ts';
import { bounded, connect, type Place } from './bigquery-client.ts';
import type { WarehouseDriverOptions } from './contract.ts';

/** That a dataset is there, in the configured location. */
export function datasetStep(url: string, place: Place, options: WarehouseDriverOptions): SetupStep {
  const connection = connect(url, place, options);
  const { timeoutMs, location } = options;
  const call = <T>(what: string, work: () => Promise<T>) => bounded(connection, what, { timeoutMs }, work);
  return {
    what: `dataset ${place.project}:${place.dataset}`,
    look: async () => {
      try {
        const [metadata] = await call('looking at the dataset', () => connection.dataset.getMetadata());
        const seen = String((metadata as { readonly location?: unknown }).location ?? '');
        if (location === undefined || seen.toLowerCase() === location.toLowerCase())
          return { state: 'there' };
        const detail = `it lies in ${seen || 'no known place'}, and location says ${location}; a dataset cannot move`;
        return { state: 'differs', mendable: false, detail };
      } catch (error) {
        if (error instanceof SamovarError && error.code === 'missing') return { state: 'missing' };
        throw error;
      }
    },
    apply: async () => {
      const where = location === undefined ? {} : { location };
      await call('creating the dataset', () => connection.client.createDataset(place.dataset, where));
    },
  };
}
