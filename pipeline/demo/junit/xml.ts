const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#xA;',
};

export const XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** Text for an attribute in double quotes. */
export function attribute(text: string): string {
  return text.replace(/[&<>"\n]/g, (found) => ENTITIES[found] ?? found);
}

/** Text between tags. */
export function content(text: string): string {
  return text.replace(/[&<>]/g, (found) => ENTITIES[found] ?? found);
}

/** Text as a CDATA section; one that holds `]]>` is split in two. */
export function cdata(text: string): string {
  return `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`;
}

/** 2026-11-20T10:00:00, as the runners write it. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}
