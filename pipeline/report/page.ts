import type { HtmlEscapedString } from 'hono/utils/html';
import type { Links } from './links.ts';
import type { SiteHead } from './models.ts';

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** What every page is given beside its model. */
export interface PageContext {
  readonly head: SiteHead;
  readonly links: Links;
  /** What must be said above everything: that what follows is old, and how old. */
  readonly notice?: string | undefined;
}
