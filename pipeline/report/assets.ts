/** A file that pages ask for, named by its content: a browser may keep it for ever. */
export interface Asset {
  readonly file: string;
  readonly type: string;
  readonly text: string;
}

/** Styles and scripts, read once. */
export function reportAssets(): readonly Asset[] {
  return [];
}
