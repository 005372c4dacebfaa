import { type CorpusOptions, createCorpus } from './corpus/index.ts';

/** The objects whose events are told: each build's finished.json, oldest build first. */
export function finishedObjects(corpus: CorpusOptions): readonly string[] {
  const idOf = (name: string) => name.split('/').at(-2) ?? '';
  return createCorpus({ ...corpus, hidden: 0 })
    .names.filter((name) => name.endsWith('/finished.json'))
    .sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}
