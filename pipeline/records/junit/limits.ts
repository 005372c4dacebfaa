/** What one JUnit file may cost. */
export interface JunitLimits {
  /** Bytes of the file after any decompression. Past this the file is `too-large`. */
  readonly fileBytesMax: number;
  /** Bytes of failure text kept for one test, as they stand in the file. What is beyond is left out, visibly. */
  readonly failureTextBytesMax: number;
  /** Testcases read from one file, run or skipped. Past this the file is `too-large`. */
  readonly testsMax: number;
}

export const JUNIT_LIMITS: JunitLimits = {
  fileBytesMax: 2 ** 30,
  failureTextBytesMax: 2 ** 20,
  testsMax: 2_000_000,
};

/** Bytes of a test's or a suite's name, and of all the suites' names before a test's. Longer ones end with an ellipsis. */
export const NAME_BYTES_MAX = 16 * 2 ** 10;
/** Bytes of a time, status or result worth reading: longer ones mean nothing. */
export const WORD_BYTES_MAX = 64;
/** Names of flaky tests a summary lists. */
export const FLAKY_NAMES_MAX = 1_000;
/** Elements inside each other. Real files stay below 20. */
export const DEPTH_MAX = 256;
/** Bytes of a tag's or an attribute's name, and of a document type, that are waited for. */
export const TOKEN_BYTES_MAX = 4 * 2 ** 10;
/** A file is scanned in pieces of this many bytes: small enough for the cache, and a stream's usual 64 KiB fit beside a leftover name. */
export const WINDOW_BYTES = 68 * 2 ** 10;
