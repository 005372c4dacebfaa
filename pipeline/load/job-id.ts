/**
 * The identity of a load: made from what is loaded and where to, so that the same work asks for the same job, whoever asks and
 * however often. A refused job's id is used up, hence the attempt.
 */
export function loadJobId(load: {
  readonly table: string;
  readonly generation: number;
  readonly sha256: string;
  readonly attempt: number;
}): string {
  const table = load.table.replace(/[^A-Za-z0-9_-]/g, '_');
  return `samovar_${table}_g${load.generation}_${load.sha256.slice(0, 32)}_${load.attempt}`;
}
