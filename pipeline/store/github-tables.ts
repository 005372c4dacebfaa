/** Tables of the sync with GitHub: how far it is, answers' ETags, tokens' budgets, webhook deliveries. */
export const GITHUB_TABLES = `
  CREATE TABLE github_delivery(id TEXT PRIMARY KEY, received_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;
