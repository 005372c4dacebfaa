/** Rows of mutations and of what they add up to, packed for the warehouse. */
export const MUTATION_ROWS_TABLES = `
`;
