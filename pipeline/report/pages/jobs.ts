import { html } from 'hono/html';
import { askedDetails, page } from '../layout.ts';
import type { JobList } from '../models.ts';
import type { Html, PageContext } from '../page.ts';
import { jobsTable } from './job-tables.ts';

/** Every job with its health: sorted and searched in place. */
export function jobsPage({ jobs, asked }: JobList, context: PageContext): Html {
  const body = html`<section>${jobsTable(jobs, context)}${askedDetails(asked)}</section>`;
  return page({ title: 'Jobs', kind: 'jobs', body }, context);
}
