import { BUILDS, SITE_WINDOW, seconds } from './parts.ts';

/** Builds of each day. */
export const siteDays = `
WITH builds AS (${BUILDS})
SELECT CAST(CAST(started AS DATE) AS STRING) AS day, COUNT(*) AS builds, COUNTIF(passed) AS passed
FROM builds
GROUP BY 1
ORDER BY 1`;

/** Where builds come from: the bucket, or the folder above logs/. */
export const siteBuckets = `
WITH builds AS (
  SELECT b.path AS path, MAX(b.finished) AS finished
  FROM {table} AS b
  WHERE ${SITE_WINDOW}
  GROUP BY b.path)
SELECT COALESCE(REGEXP_EXTRACT(path, r'^(gs://[^/]+/)'), REGEXP_EXTRACT(path, r'^(.*?/)(?:pr-)?logs/'),
    REGEXP_EXTRACT(path, r'^(.*?[^/:]/)'), '') AS bucket,
  COUNT(*) AS builds, ${seconds('MAX(finished)')} AS newest
FROM builds
GROUP BY 1
ORDER BY builds DESC, bucket
LIMIT @limit`;
