/** A file of providers for the recorded upstreams: Fedora's, and one of each other kind. Text of YAML. */
export function demoProviders(urls: Readonly<Record<string, string>>): string {
  const bases = Object.entries(urls).map(([name, url]) => {
    // Each upstream's URL says what is below it, or is the document itself.
    const file =
      { mdapi: '/versions.json', orphans: '/orphans.json', calendars: '/packages.ics' }[name] ?? '';
    return `    ${name}: ${url}${file}`;
  });
  return [
    '# Written by the demo: its upstreams are recorded ones on this machine.',
    'fedora:',
    '  upstreams:',
    ...bases,
    'http_json:',
    '  koschei_failing:',
    '    title: Packages that fail to build (by http_json)',
    `    url: ${urls.koschei}/api/v1/packages`,
    `    select: "[?state == 'failing'].{name: name, collection: collection}"`,
    '    interval: 1h',
    '  problem_counts:',
    '    title: Crashes by package (by http_json)',
    `    url: ${urls.faf}/problems/?component_names={key}`,
    '    select: "length(problems)"',
    '    keys: [kernel, gnome-shell, bash]',
    '    interval: 1h',
    'hosts:',
    '  standard: {concurrency: 4, gap_ms: 5}',
    '',
  ].join('\n');
}
