/** Tables of the corpus: what mutation logs add up to. */
export const CORPUS_TABLES = `
  CREATE TABLE corpus_repo(
    id INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    segment INTEGER,
    end_offset INTEGER,
    UNIQUE (owner, name)
  ) STRICT;
`;
