import { flakes } from '../flakes/index.ts';
import type { BuildQuery } from '../types.ts';

export const flakesDaily: BuildQuery = {
  ...flakes,
  name: 'flakes-daily',
  about: 'flakes over the last day',
  days: 1,
};
