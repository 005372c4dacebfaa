/** How DuckDB says what BigQuery says otherwise: all that the queries use of it. What is not listed reads the same in both. */
const REWRITES: readonly (readonly [RegExp, string])[] = [
  // Raw strings: DuckDB knows no backslash escapes in any.
  [/\br'/g, "'"],
  // No match is an empty string there; none of the groups asked for can be empty.
  [/\bREGEXP_EXTRACT\(([\w.]+), ('[^']*')\)/g, "NULLIF(regexp_extract($1, $2, 1), '')"],
  [/\bREGEXP_CONTAINS\(/g, 'regexp_matches('],
  [/\bUNNEST\(([\w.]+)\) AS (\w+)/g, 'UNNEST($1) AS $2_rows($2)'],
  [/\bTIMESTAMP_TRUNC\(([\w.]+), ISOWEEK\)/g, "date_trunc('week', $1)"],
  [/\bUNIX_SECONDS\(/g, 'epoch('],
  [/\bPERCENTILE_CONT\(/g, 'quantile_cont('],
  // DuckDB's countif over nothing but nulls is null, BigQuery's is 0.
  [/\bCOUNTIF\(/g, 'COUNT(*) FILTER (WHERE '],
  [/\bLOGICAL_OR\(/g, 'bool_or('],
];

/** A query's text in DuckDB's dialect. */
export function duckDbText(sql: string): string {
  return REWRITES.reduce((text, [pattern, words]) => text.replace(pattern, words), sql);
}
