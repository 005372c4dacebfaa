/** Of the dashboard's connections. */
export const HTTP_LIMITS = {
  // Names of tests are long, and each of their letters may take nine.
  headerBytesMax: 32_768,
  requestMs: 10_000,
  silenceMs: 60_000,
  connectionsMax: 500,
} as const;
