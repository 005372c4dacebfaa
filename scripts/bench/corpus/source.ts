import { type CorpusOptions, createCorpus, type ServedBucket } from './index.ts';
import { type PlainCorpus, plainCorpus } from './plain.ts';
import { type WideCorpus, wideCorpus } from './wide.ts';

/** What a bench server is to hold; without a kind the mixed corpus that is like real buckets. */
export type CorpusSpec = (CorpusOptions & { readonly kind?: 'mixed' }) | PlainCorpus | WideCorpus;

export function openCorpus(spec: CorpusSpec): ServedBucket {
  if (spec.kind === 'plain') return plainCorpus(spec);
  return spec.kind === 'wide' ? wideCorpus(spec) : createCorpus(spec);
}

/** The same with the builds that were hidden. */
export function revealed(spec: CorpusSpec): CorpusSpec {
  return spec.kind === 'wide' ? spec : { ...spec, hidden: 0 };
}
